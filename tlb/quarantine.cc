#include "mapwire/tlb/quarantine.h"

#include <algorithm>

namespace mapwire::tlb {

void Quarantine::set(Entry& entry, const Range& range) {
  entry.begin = range.begin;
  entry.end = range.end;
}

// Into an entry that it touches, or a free one, or the last.
void Quarantine::add(const Range& range) {
  Entry* place = &entries_.back();
  for (Entry& entry : entries_) {
    const Range held = range_of(entry);
    const bool touches = held.bytes() != 0 && held.begin <= range.end && range.begin <= held.end;
    if (touches || held.bytes() == 0) place = &entry;
    if (touches) break;
  }
  place->settled = false;
  unsettled_ = true;
  const Range held = range_of(*place);
  set(*place, held.bytes() == 0 ? range
                                : Range{.begin = std::min(held.begin, range.begin),
                                        .end = std::max(held.end, range.end)});
}

void Quarantine::settle() {
  for (Entry& entry : entries_) entry.settled = true;
  unsettled_ = false;
}

void Quarantine::lift(const Range& range) {
  for (Entry& entry : entries_) {
    if (!entry.settled) continue;
    const Range held = range_of(entry);
    if (range.contains(held)) {
      set(entry, {});
    } else if (held.overlaps(range) && held.begin >= range.begin) {
      entry.begin = range.end;
    } else if (held.overlaps(range) && held.end <= range.end) {
      entry.end = range.begin;
    }
  }
}

bool Quarantine::holds(const Range& range) const {
  return std::ranges::any_of(entries_,
                             [&](const Entry& entry) { return range_of(entry).overlaps(range); });
}

}  // namespace mapwire::tlb
