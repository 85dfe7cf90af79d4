// A NIC that does nothing but register memory.
#pragma once

#include <cstdlib>
#include <map>
#include <span>
#include <string>

#include "mapwire/runtime/nic.h"

namespace mapwire::testing {

class RegionNic final : public Nic {
 public:
  struct Region {
    std::span<std::byte> memory;
    bool writable = false;
  };
  // Those that are registered, by lkey.
  const std::map<std::uint32_t, Region>& regions() const { return regions_; }
  std::size_t registered() const { return registered_; }
  // From now on it takes so many regions, and no more at once.
  void set_regions_max(std::size_t max) { regions_max_ = max; }

  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t /*domain*/) override {
    if (regions_.size() >= regions_max_) {
      return std::unexpected(Error::make(Code::kOutOfMemory, ErrorScope::kRequest, "no more"));
    }
    ++registered_;
    regions_[++last_] = {.memory = memory, .writable = access.local_write};
    return MemoryKeys{.lkey = last_, .rkey = last_};
  }
  void deregister_memory(std::uint32_t lkey) override { regions_.erase(lkey); }

  const NicAttributes& attributes() const override { return attributes_; }
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions&,
                                                         const proto::IpAddress&,
                                                         const proto::IpAddress&) override {
    std::abort();
  }
  std::expected<void, Error> connect_queue_pair(Qpn, const QueuePairPeer&, std::uint64_t) override {
    std::abort();
  }
  void flush_queue_pair(Qpn, Code) override { std::abort(); }
  void close_queue_pair(Qpn) override { std::abort(); }
  bool post_send(Qpn, const proto::SendDescriptor&, Now) override { std::abort(); }
  bool post_receive(Qpn, const proto::ReceiveDescriptor&, Now) override { std::abort(); }
  Polled poll(std::span<proto::CompletionEntry>, Now) override { return {}; }
  std::size_t poll_async(std::span<AsyncEvent>) override { return 0; }
  int event_fd() const override { return -1; }
  std::uint64_t next_deadline_ns() override { return UINT64_MAX; }

 private:
  NicAttributes attributes_;
  std::map<std::uint32_t, Region> regions_;
  std::uint32_t last_ = 0;
  std::size_t registered_ = 0;
  std::size_t regions_max_ = SIZE_MAX;
};

}  // namespace mapwire::testing
