// A ring in memory of the test, with both of its ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include "mapwire/proto/descriptor.h"
#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw::sim {

template <RingEntry T>
class OwnedRing {
 public:
  explicit OwnedRing(std::uint32_t entries)
      : bytes_{proto::ring_bytes(entries, sizeof(T))}, memory_{allocate(bytes_)} {
    format_ring<T>(span(), entries, proto::kDescriptorVersion);
  }
  RingProducer<T> producer() { return *RingProducer<T>::open(span(), proto::kDescriptorVersion); }
  RingConsumer<T> consumer() { return *RingConsumer<T>::open(span(), proto::kDescriptorVersion); }

 private:
  static constexpr std::align_val_t kAlignment{proto::kCacheLine};
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete[](memory, kAlignment); }
  };
  static std::byte* allocate(std::size_t bytes) { return new (kAlignment) std::byte[bytes]; }
  std::span<std::byte> span() { return {memory_.get(), bytes_}; }

  std::size_t bytes_;
  std::unique_ptr<std::byte[], Free> memory_;
};

}  // namespace mapwire::nic_fw::sim
