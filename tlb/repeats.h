// Remembers ranges that were asked for before. A buffer that is used a single time is not worth
// watching: that would make its unmapping slow.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

class Repeats {
 public:
  Repeats() : places_{std::size_t{1} << kBits} {}

  // Whether `range` was asked for often enough before: once, as far as is remembered, unless
  // keeping it was in vain.
  bool seen(const Range& range) {
    Place& place = at(range);
    const bool before = place.range.contains(range);
    const bool empty = place.range.bytes() == 0;
    if (before) {
      place.range = range;
      place.others = 0;
      return ++place.repeats > place.in_vain;
    }
    if (empty || ++place.others == kPatience) place = {.range = range};
    return false;
  }

  // It was kept until its memory changed; `found` says whether it was of use meanwhile. Addresses
  // that an allocator gives to one buffer after another would else be watched for each of them:
  // every time in vain, the next time comes after twice as many repeats.
  void on_change(const Range& range, bool found) {
    Place& place = at(range);
    if (!place.range.contains(range)) return;
    place.repeats = 0;
    place.in_vain = found ? 0 : std::min(2 * place.in_vain + 1, kInVainMax);
  }

 private:
  // As many as the translations of a context: all of a working set that can be kept are remembered
  // from one of its rounds to the next.
  static constexpr unsigned kBits = 14;
  // Buffers that share a place and take turns would otherwise push one another out for ever.
  static constexpr std::uint32_t kPatience = 8;
  static constexpr std::uint32_t kInVainMax = 255;

  struct Place {
    Range range;
    std::uint32_t others = 0;   // that wanted the place since
    std::uint32_t repeats = 0;  // of the range
    std::uint32_t in_vain = 0;  // repeats that do not count
  };
  Place& at(const Range& range) { return places_[page_hash<kBits>(range.begin)]; }

  LazyArray<Place> places_;
};

}  // namespace mapwire::tlb
