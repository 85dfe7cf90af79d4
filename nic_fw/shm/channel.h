// What two processes of one host share: a block of each, and a socket that hands the blocks over,
// wakes a sleeper and tells of the other's end. All queue pairs between the two use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/ring_reader.h"
#include "mapwire/nic_fw/shm/ring_writer.h"
#include "mapwire/nic_fw/shm/store_order.h"
#include "mapwire/proto/shm_wire.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw::shm {

class Channel {
 public:
  enum class State : std::uint8_t {
    kGreeting,  // the peer has not said hello
    kOpen,
    kDead,  // the peer is gone, or wrote what no peer of ours writes
  };

  // Over a connected socket. Errors: those of make_block.
  static std::expected<Channel, Error> create(UniqueFd socket, const SharedMemoryAddress& own);
  Channel(Channel&&) = default;

  // Says hello to the peer at the other end of the socket, whose address it is. Errors:
  // kSystemCall.
  std::expected<void, Error> greet(const SharedMemoryAddress& peer);
  // Takes what came over the socket: the hello, wake-ups, the end. Nothing of it blocks.
  void serve();
  // Hands over a copy of `descriptor` for the peer's queue pair. False: no room, or the peer is
  // gone.
  bool pass(Qpn peers, int descriptor);
  // The oldest descriptor that came for the queue pair, if there is one. Those that nobody takes go
  // with the channel, or by drop_passed().
  UniqueFd take_passed(Qpn own);
  std::size_t passed() const { return passed_.size(); }
  void drop_passed() { passed_.clear(); }
  // Nothing more comes over the socket; what the ring holds can still be read.
  void kill();
  // Likewise, and the ring is not read either: who wrote into it is nobody we know.
  void send_away();

  State state() const { return state_; }
  bool greeted() const { return greeted_; }
  const UniqueFd& socket() const { return socket_; }
  // As it said itself; whoever is told the same by set-up knows that it is the same.
  const SharedMemoryAddress& peer() const { return peer_; }

  RingWriter& writer() { return writer_; }
  // Null until the peer has said hello.
  RingReader* reader() { return reader_ ? &*reader_ : nullptr; }

  // Before control goes back to the caller of the NIC: wakes the peer if something was published
  // and it sleeps, or may do so as its hello has not come.
  void ring_doorbell() {
    if (!writer_.take_unannounced()) return;
    order_own_store(peer_orders_);
    if (!peer_block_ || peer_block_.header().sleeping.load(std::memory_order_relaxed) != 0) wake();
  }

  // Tells the peer that this process sleeps, or does not. Between it and the sleep:
  // order_stores_of_all(), and another look into the ring.
  void set_sleeping(bool sleeping) {
    header_of(block_).sleeping.store(sleeping ? 1 : 0, std::memory_order_relaxed);
  }

  // Queue pairs that use it.
  std::uint32_t users = 0;
  // It came to us; and is a stranger, who is sent away at that time, until a queue pair needs it.
  bool accepted = false;
  static constexpr std::uint64_t kNoStranger = UINT64_MAX;
  std::uint64_t stranger_until_ns = kNoStranger;
  bool is_stranger() const { return stranger_until_ns != kNoStranger; }

 private:
  Channel(UniqueFd socket, Arena block, const SharedMemoryAddress& own);

  void take_hello();
  void take_messages();
  bool accept_hello(const proto::ShmHello& hello, const UniqueFd& block);
  [[gnu::cold, gnu::noinline]] void wake();

  UniqueFd socket_;
  Arena block_;
  PeerBlock peer_block_;
  SharedMemoryAddress own_;
  SharedMemoryAddress peer_;
  RingWriter writer_;
  std::optional<RingReader> reader_;
  struct Passed {
    Qpn own = 0;
    UniqueFd descriptor;
  };
  std::vector<Passed> passed_;
  State state_ = State::kGreeting;
  bool greeted_ = false;  // greet() was called
  bool peer_orders_ = false;
};

}  // namespace mapwire::nic_fw::shm
