// A ring of entries that show a torn copy, in memory that a test may harm as a hostile peer could.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::testing {

// Large enough to show a torn copy.
struct Entry {
  std::uint64_t number = 0;
  std::array<std::uint64_t, 7> copies{};

  static Entry of(std::uint64_t number) {
    Entry entry{.number = number};
    entry.copies.fill(number);
    return entry;
  }
  bool whole() const {
    for (std::uint64_t copy : copies) {
      if (copy != number) return false;
    }
    return true;
  }
};
inline constexpr std::uint32_t kVersion = 9;

template <RingEntry T>
struct Ring {
  explicit Ring(std::uint32_t entries)
      : arena{*Arena::create("mapwire-ring-test", proto::ring_bytes(entries, sizeof(T)))} {
    format_ring<T>(memory(), entries, kVersion);
  }
  std::span<std::byte> memory() { return arena.memory(); }
  proto::RingHeader& header() { return *reinterpret_cast<proto::RingHeader*>(memory().data()); }
  RingProducer<T> producer() { return RingProducer<T>::open(memory(), kVersion).value(); }
  RingConsumer<T> consumer() { return RingConsumer<T>::open(memory(), kVersion).value(); }

  Arena arena;
};

}  // namespace mapwire::testing
