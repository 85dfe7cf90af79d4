#include "mapwire/runtime/trip_table.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace mapwire {
namespace {

// 2^class bytes are at least as many.
int class_of(std::uint64_t bytes) { return static_cast<int>(std::bit_width(bytes - 1)); }

bool overlap(const TripWire& wire, std::uint64_t first, std::uint64_t last) {
  return wire.address <= last && first <= wire.address + (wire.bytes - 1);
}

}  // namespace

TripTable::TripTable(std::move_only_function<void(TripWire&)> on_trip)
    : on_trip_{std::move(on_trip)} {}

void TripTable::add(TripWire& wire) {
  classes_[class_of(wire.bytes)].emplace(wire.address, &wire);
  ++size_;
  mark(wire);
}

// Bits that no wire needs any more cost time, not truth: they go when they may be as many as the
// others, so that a removal costs the same however many wires there are.
void TripTable::remove(TripWire& wire) {
  const auto found_class = classes_.find(class_of(wire.bytes));
  Wires& wires = found_class->second;
  const auto [begin, end] = wires.equal_range(wire.address);
  wires.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == &wire; }));
  if (wires.empty()) classes_.erase(found_class);
  --size_;
  if (++removed_ > size_) mark_all_anew();
}

void TripTable::mark(const TripWire& wire) {
  visit_lines(wire.address, wire.bytes, [this](const Lines& lines) {
    lines_[lines.word] |= lines.bits;
    return false;
  });
}

void TripTable::mark_all_anew() {
  std::ranges::fill(lines_, 0);
  removed_ = 0;
  for (const auto& [size_class, wires] : classes_) {
    for (const auto& [address, wire] : wires) mark(*wire);
  }
}

void TripTable::trip(std::uint64_t address, std::uint64_t bytes, std::uint8_t kinds) {
  const std::uint64_t last = address + (bytes - 1);
  for (const auto& [size_class, wires] : classes_) {
    const std::uint64_t before =
        size_class > 63 ? UINT64_MAX : (std::uint64_t{1} << size_class) - 1;
    auto next = wires.lower_bound(address - std::min(address, before));
    for (; next != wires.end() && next->first <= last; ++next) {
      TripWire& wire = *next->second;
      if (!wire.armed || (wire.kinds & kinds) == 0 || !overlap(wire, address, last)) continue;
      wire.armed = false;
      on_trip_(wire);
    }
  }
}

}  // namespace mapwire
