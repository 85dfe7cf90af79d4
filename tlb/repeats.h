// Remembers ranges that were asked for once. A buffer that is used a single time is not worth
// watching: that would make its unmapping slow.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

class Repeats {
 public:
  // Whether `range` was asked for before, as far as is remembered.
  bool seen(const Range& range) {
    Range& place = places_[range.begin / kPageBytes % kPlaces];
    const bool before = place.contains(range);
    place = range;
    return before;
  }

 private:
  static constexpr std::size_t kPlaces = 256;
  std::array<Range, kPlaces> places_{};
};

}  // namespace mapwire::tlb
