// The soft NIC's parts. Creation is in soft_nic.cc, set-up in soft_nic_set_up.cc, posting and
// polling in soft_nic_data.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>

#include "mapwire/nic_fw/completion_ring.h"
#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/queue_table.h"
#include "mapwire/nic_fw/shm/transport.h"
#include "mapwire/nic_fw/soft_connection_manager.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/transmitter.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw {

class SoftNic final : public Nic {
 public:
  SoftNic(const SoftNicOptions& options, std::unique_ptr<Wire> wire, CompletionRing completions,
          CounterBlock* counters);

  // Call at most once, before the first queue pair. Errors: those of shm::Transport.
  std::expected<void, Error> use_shared_memory(const SoftNicOptions& options,
                                               CounterBlock* counters);

  // In the log, if the kernel does not copy for us.
  void warn_of_unchecked_copies() const;

  const NicAttributes& attributes() const override { return attributes_; }
  ConnectionManager* connection_manager() override { return &connection_manager_; }
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions& options,
                                                         const proto::IpAddress& local,
                                                         const proto::IpAddress& remote) override;
  std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) override;
  std::string_view wire_of(Qpn qpn) override;
  std::optional<uid_t> user_of(Qpn qpn) override;
  bool pass_descriptor(Qpn qpn, int descriptor) override;
  UniqueFd take_descriptor(Qpn qpn) override;
  void flush_queue_pair(Qpn qpn, Code reason) override;
  void close_queue_pair(Qpn qpn) override;
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t protection_domain) override {
    return engine_.register_memory(memory, access, protection_domain);
  }
  void deregister_memory(std::uint32_t lkey) override { engine_.deregister_memory(lkey); }
  bool watch_memory(std::uint32_t lkey, TripTable& wires) override {
    return engine_.watch_memory(lkey, wires);
  }
  [[gnu::flatten]] bool post_send(Qpn qpn, const proto::SendDescriptor& descriptor,
                                  Now now) override;
  [[gnu::flatten]] bool post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor,
                                     Now now) override;
  [[gnu::flatten]] Polled poll(std::span<proto::CompletionEntry> completions, Now now) override;
  std::size_t poll_async(std::span<AsyncEvent> events) override;
  int event_fd() const override { return shm_ ? shm_->event_fd() : wire_->event_fd(); }
  std::uint64_t next_deadline_ns() override;

 private:
  std::expected<QueuePairAddress, Error> open_in_engine(const QueuePairOptions& options,
                                                        const proto::UdpAddress& local,
                                                        const QueuePairRings& rings);
  std::expected<void, Error> make_room_for_completions();
  std::expected<void, Error> connect_shm(Qpn qpn, const QueuePairPeer& peer, std::uint64_t now_ns);
  std::expected<void, Error> connect_udp(Qpn qpn, const QueuePairPeer& peer, std::uint64_t now_ns);

  [[gnu::noinline]] Polled poll_shm(std::span<proto::CompletionEntry> completions, Now now);
  [[gnu::noinline]] Polled poll_all(std::span<proto::CompletionEntry> completions, Now now);
  std::size_t poll_wire(std::span<proto::CompletionEntry> completions, Now now);
  void receive(std::uint64_t now_ns);
  std::size_t take_completions(std::span<proto::CompletionEntry> completions);
  [[gnu::noinline]] std::size_t take_waiting(std::span<proto::CompletionEntry> completions);

  // The order is that of destruction: the engine uses the rings, and the transmitter the engine.
  QueueTable queues_;
  Arena completion_arena_;
  RingConsumer<proto::CompletionEntry> completions_;
  EngineCounters counters_;
  Engine engine_;
  std::unique_ptr<Wire> wire_;
  Transmitter transmitter_{engine_, *wire_};
  SoftConnectionManager connection_manager_;
  std::unique_ptr<shm::Transport> shm_;  // null: not used
  NicAttributes attributes_;
  // Packets taken from the wire per poll(), which bounds its work: what the UDP wire holds at once.
  static constexpr std::size_t kReceiveBatchPackets = 64;
  std::array<WirePacket, kReceiveBatchPackets> received_;
  std::size_t udp_queue_pairs_ = 0;  // connected
  std::uint32_t polls_ = 0;
  std::uint64_t look_again_ns_ = 0;
  bool wire_rests_ = false;  // the wire was found idle, and nothing has used it since
  bool acknowledgements_held_ = false;
};

}  // namespace mapwire::nic_fw
