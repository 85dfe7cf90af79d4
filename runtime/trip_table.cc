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
  Wires& wires = classes_[class_of(wire.bytes)];
  const auto next = std::ranges::upper_bound(wires, wire.address, {}, &Hung::address);
  wires.insert(next, {.address = wire.address, .wire = &wire});
  ++size_;
  mark(wire);
}

// Bits that no wire needs any more cost time, not truth: they go when they may be as many as the
// others, so that a removal costs the same however many wires there are.
void TripTable::remove(TripWire& wire) {
  const auto found_class = classes_.find(class_of(wire.bytes));
  Wires& wires = found_class->second;
  const auto same = std::ranges::equal_range(wires, wire.address, {}, &Hung::address);
  wires.erase(std::ranges::find(same, &wire, &Hung::wire));
  if (wires.empty()) classes_.erase(found_class);
  --size_;
  if (++removed_ > size_) mark_all_anew();
}

void TripTable::mark(const TripWire& wire) {
  visit_grains(wire.address, wire.bytes, [this](const Grains& grains) {
    grains_[grains.word] |= grains.bits;
    return false;
  });
}

void TripTable::mark_all_anew() {
  std::ranges::fill(grains_, 0);
  removed_ = 0;
  for (const auto& [size_class, wires] : classes_) {
    for (const Hung& hung : wires) mark(*hung.wire);
  }
}

void TripTable::trip(std::uint64_t address, std::uint64_t bytes, std::uint8_t kinds) {
  const std::uint64_t last = address + (bytes - 1);
  for (const auto& [size_class, wires] : classes_) {
    const std::uint64_t before =
        size_class > 63 ? UINT64_MAX : (std::uint64_t{1} << size_class) - 1;
    const std::uint64_t first = address - std::min(address, before);
    auto next = std::ranges::lower_bound(wires, first, {}, &Hung::address);
    for (; next != wires.end() && next->address <= last; ++next) {
      TripWire& wire = *next->wire;
      if (!wire.armed || (wire.kinds & kinds) == 0 || !overlap(wire, address, last)) continue;
      wire.armed = false;
      on_trip_(wire);
    }
  }
}

}  // namespace mapwire
