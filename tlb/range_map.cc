#include "mapwire/tlb/range_map.h"

#include <algorithm>

namespace mapwire::tlb {
namespace {

// Of those that begin before a request so many are looked at.
constexpr std::ptrdiff_t kLooks = 4;

}  // namespace

void RangeMap::insert(std::uint32_t id, const Range& range) {
  ranges_[id] = range;
  order_.insert(std::ranges::upper_bound(order_, range.begin, {}, &Beginning::begin),
                {.begin = range.begin, .id = id});
  recent_[page_hash<kRecentBits>(range.begin)] = id;
}

void RangeMap::erase(std::uint32_t id) {
  const auto same = std::ranges::equal_range(order_, ranges_[id].begin, {}, &Beginning::begin);
  order_.erase(std::ranges::find(same, id, &Beginning::id));
  ranges_[id] = {};
}

std::uint32_t RangeMap::find_by_order(const Range& range) {
  auto place = std::ranges::upper_bound(order_, range.begin, {}, &Beginning::begin);
  for (auto looks = std::min(kLooks, place - order_.begin()); looks > 0; --looks) {
    --place;
    if (!ranges_[place->id].contains(range)) continue;
    recent_[page_hash<kRecentBits>(range.begin)] = place->id;
    return place->id;
  }
  return kNone;
}

}  // namespace mapwire::tlb
