// A NIC that changes what its owner sends: a peer that lies in the bytes which mapwire itself adds.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "mapwire/runtime/nic.h"

namespace mapwire::testing {

class LyingNic : public Nic {
 public:
  // Sees every send descriptor before the honest NIC does, and may change the memory it names.
  using Lie = std::function<void(const proto::SendDescriptor&)>;

  LyingNic(std::unique_ptr<Nic> honest, Lie lie)
      : honest_{std::move(honest)}, lie_{std::move(lie)} {}

  const NicAttributes& attributes() const override { return honest_->attributes(); }
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions& options,
                                                         const proto::IpAddress& local,
                                                         const proto::IpAddress& remote) override {
    return honest_->open_queue_pair(options, local, remote);
  }
  std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) override {
    return honest_->connect_queue_pair(qpn, peer, now_ns);
  }
  void flush_queue_pair(Qpn qpn, Code reason) override { honest_->flush_queue_pair(qpn, reason); }
  void close_queue_pair(Qpn qpn) override { honest_->close_queue_pair(qpn); }
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t protection_domain) override {
    return honest_->register_memory(memory, access, protection_domain);
  }
  void deregister_memory(std::uint32_t lkey) override { honest_->deregister_memory(lkey); }
  bool post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) override {
    lie_(descriptor);
    return honest_->post_send(qpn, descriptor, now);
  }
  bool post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) override {
    return honest_->post_receive(qpn, descriptor, now);
  }
  Polled poll(std::span<proto::CompletionEntry> completions, Now now) override {
    return honest_->poll(completions, now);
  }
  std::size_t poll_async(std::span<AsyncEvent> events) override {
    return honest_->poll_async(events);
  }
  int event_fd() const override { return honest_->event_fd(); }
  std::uint64_t next_deadline_ns() override { return honest_->next_deadline_ns(); }

 private:
  std::unique_ptr<Nic> honest_;
  Lie lie_;
};

}  // namespace mapwire::testing
