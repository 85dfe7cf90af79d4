// Remembers ranges that were asked for once. A buffer that is used a single time is not worth
// watching: that would make its unmapping slow.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

class Repeats {
 public:
  Repeats() : places_{std::size_t{1} << kBits} {}

  // Whether `range` was asked for before, as far as is remembered.
  bool seen(const Range& range) {
    Place& place = places_[page_hash<kBits>(range.begin)];
    const bool before = place.range.contains(range);
    const bool empty = place.range.bytes() == 0;
    if (before || empty || ++place.others == kPatience) place = {.range = range, .others = 0};
    return before;
  }

 private:
  // As many as the translations of a context: all of a working set that can be kept are remembered
  // from one of its rounds to the next.
  static constexpr unsigned kBits = 14;
  // Buffers that share a place and take turns would otherwise push one another out for ever.
  static constexpr std::uint32_t kPatience = 8;

  struct Place {
    Range range;
    std::uint32_t others = 0;  // that wanted the place since
  };
  LazyArray<Place> places_;
};

}  // namespace mapwire::tlb
