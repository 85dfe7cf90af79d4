// Ranges whose pages are being taken away (madvise(2): MADV_DONTNEED, MADV_FREE, MADV_REMOVE). The
// kernel tells of it before it does it, and not when it is done: what is pinned in between is lost
// to the mapping afterwards. So nothing is kept of such a range until it is unmapped.
//
// Events may be told in another order than their changes happened: an unmapping that is read after
// a discarding may be that of the mapping before. It ends a quarantine only if there was an instant
// without any change (settle()) since that began. tests/model has both.
//
// Threads: holds() is anybody's who has published the range in WatchSlots before; the rest is the
// monitor's, which adds a range before it ends the slots.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

class Quarantine {
 public:
  void add(const Range& range);
  // No change is under way.
  void settle();
  // Whether settle() has something to do.
  bool unsettled() const { return unsettled_; }
  // The range was unmapped.
  void lift(const Range& range);
  bool holds(const Range& range) const;

 private:
  // Allocators give back the same parts again and again, which are one entry; beyond so many the
  // last one grows over what lies between.
  static constexpr std::size_t kEntries = 256;
  struct Entry {
    std::atomic<std::uintptr_t> begin = 0;
    std::atomic<std::uintptr_t> end = 0;  // as begin: free
    bool settled = false;
  };

  static Range range_of(const Entry& entry) { return {.begin = entry.begin, .end = entry.end}; }
  static void set(Entry& entry, const Range& range);

  std::array<Entry, kEntries> entries_;
  bool unsettled_ = false;
};

}  // namespace mapwire::tlb
