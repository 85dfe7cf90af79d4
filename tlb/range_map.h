// From an address range to the translation that holds it.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

// Ranges may overlap. Two ways to find one: by the page that a request begins in, if it was found
// so before, and by the order of the beginnings.
class RangeMap {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // For translations numbered below `size`.
  explicit RangeMap(std::size_t size) : ranges_{size}, recent_{1 << kRecentBits} {
    order_.reserve(size);
  }

  void insert(std::uint32_t id, const Range& range);
  void erase(std::uint32_t id);
  const Range& range(std::uint32_t id) const { return ranges_[id]; }
  std::size_t size() const { return order_.size(); }

  // One that contains `range`, or kNone. Of ranges that overlap only some are looked at, so that
  // one may be missed.
  std::uint32_t find(const Range& range) {
    const std::uint32_t id = recent_[page_hash<kRecentBits>(range.begin)];
    return ranges_[id].contains(range) ? id : find_by_order(range);
  }

  // Calls `visit` with the number of each.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = order_.size(); i-- > 0;) visit(order_[i].id);  // which may erase it
  }

 private:
  struct Beginning {
    std::uintptr_t begin = 0;
    std::uint32_t id = 0;
  };
  // Twice as many as there are translations, so that most have a place of their own.
  static constexpr unsigned kRecentBits = 15;

  std::uint32_t find_by_order(const Range& range);

  // A number that is not in use has the empty range, which contains nothing that is asked for.
  LazyArray<Range> ranges_;
  LazyArray<std::uint32_t> recent_;
  std::vector<Beginning> order_;
};

}  // namespace mapwire::tlb
