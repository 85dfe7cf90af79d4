// A NIC with real pins, for machines without an RDMA device. It stands in front of another NIC and
// takes from it the freedom to read any memory: what is registered is pinned by the kernel, as
// fixed buffers of io_uring, and local memory is reached through the pinned pages alone. So it sees
// what a DMA engine sees: after the program has mapped other pages at an address, an old
// registration still names the old ones. As for a device, the pins show in VmPin (huge pages count
// whole) and count against RLIMIT_MEMLOCK, unless the thread that made the NIC had CAP_IPC_LOCK.
//
// Unlike for a device, what peers do by an rkey is the inner NIC's business, and reaches the pages
// that are mapped. Speed is of no concern: the data path allocates and calls the system.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/nic.h"
#include "tests/pins.h"
#include "tests/staging.h"

namespace mapwire::testing {

struct PinningNicOptions {
  std::uint32_t regions_max = 4096;  // at once; the kernel allows 16384
  // Of all outstanding requests together; a post that finds no room would block. It is address
  // space until it is used.
  std::size_t staging_bytes = std::size_t{1} << 34;
};

class PinningNic final : public Nic {
 public:
  PinningNic(std::unique_ptr<Nic> inner, std::unique_ptr<Pins> pins, Staging staging);
  // Before use, once. Errors: those of the inner NIC's register_memory.
  std::expected<void, Error> set_up_refusal();

  const NicAttributes& attributes() const override { return attributes_; }
  ConnectionManager* connection_manager() override { return inner_->connection_manager(); }
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions& options,
                                                         const proto::IpAddress& local,
                                                         const proto::IpAddress& remote) override;
  std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) override {
    return inner_->connect_queue_pair(qpn, peer, now_ns);
  }
  std::string_view wire_of(Qpn qpn) override { return inner_->wire_of(qpn); }
  void flush_queue_pair(Qpn qpn, Code reason) override { inner_->flush_queue_pair(qpn, reason); }
  void close_queue_pair(Qpn qpn) override;
  // Errors besides the inner NIC's: those of Pins::pin.
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t protection_domain) override;
  void deregister_memory(std::uint32_t lkey) override;
  bool post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) override;
  bool post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) override;
  Polled poll(std::span<proto::CompletionEntry> completions, Now now) override;
  std::size_t poll_async(std::span<AsyncEvent> events) override;
  int event_fd() const override { return inner_->event_fd(); }
  std::uint64_t next_deadline_ns() override {
    return ready_.empty() ? inner_->next_deadline_ns() : 0;
  }

 private:
  struct Region {
    std::uint32_t slot = 0;
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    bool local_write = false;
    std::uint32_t protection_domain = 0;
  };
  // An element of a descriptor, and the region that its lkey named at the time of the post: it may
  // have gone when the bytes come, and the lkey may name another.
  struct Place {
    proto::Sge element;
    std::weak_ptr<const Region> region;
  };
  struct Request {
    std::uint64_t cookie = 0;
    Staging::Piece piece;
    std::vector<Place> sinks{};  // where the piece goes on completion
  };
  // A send or receive queue, oldest first: its requests complete in posting order. One occupies its
  // entry until its completion is given on, which bounds ready_.
  struct Queue {
    std::uint32_t entries = 0;
    std::uint32_t occupied = 0;
    std::deque<Request> requests{};  // what the inner NIC has
  };
  struct QueuePair {
    std::uint32_t protection_domain = 0;
    Queue send;
    Queue receive;
    bool failed = false;  // by us

    Queue& queue_of(proto::WorkOpcode completed);
  };
  enum class Use : std::uint8_t { kRead, kWrite };

  std::shared_ptr<const Region> find(const proto::Sge& element, std::uint32_t protection_domain,
                                     Use use) const;
  std::optional<std::vector<Place>> places(std::span<const proto::Sge> elements,
                                           std::uint32_t protection_domain, Use use) const;
  void refuse(std::span<proto::Sge> elements) const;
  std::optional<Request> stage(std::span<proto::Sge> elements, std::uint32_t protection_domain,
                               Use use);
  void gather(std::span<const Place> sources, std::uint64_t offset);
  template <class Descriptor, class Hand>
  bool post(Queue& queue, Descriptor descriptor, std::uint32_t protection_domain, Use use,
            Hand hand);
  bool scatter(const Request& request, std::uint64_t bytes);
  void settle(proto::CompletionEntry& completion);
  void fail(Qpn qpn, QueuePair& qp);
  bool collect(Now now);

  // The inner NIC goes first: it uses what stands above it.
  std::unique_ptr<Pins> pins_;
  Staging staging_;
  std::array<std::byte, 1> guard_{};
  std::uint32_t guard_lkey_ = 0;
  std::unordered_map<std::uint32_t, std::shared_ptr<const Region>> regions_;  // by lkey
  std::unordered_map<Qpn, QueuePair> queue_pairs_;
  std::deque<proto::CompletionEntry> ready_;  // whose bytes are in place
  std::deque<AsyncEvent> events_;
  NicAttributes attributes_;
  std::unique_ptr<Nic> inner_;
};

// Puts pins in front of `inner`, a NIC that reads any memory. Errors: those of Pins::create (then
// there is nothing to test with here) and Arena::create.
std::expected<std::unique_ptr<Nic>, Error> make_pinning_nic(std::unique_ptr<Nic> inner,
                                                            const PinningNicOptions& options = {});
// In front of a soft NIC on UDP: for tests of layers that do not know that NIC.
std::expected<std::unique_ptr<Nic>, Error> make_pinning_soft_nic(
    const PinningNicOptions& options = {});

}  // namespace mapwire::testing
