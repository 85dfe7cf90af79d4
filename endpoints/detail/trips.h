// The tripwires that have tripped and of which the application was not told yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "mapwire/endpoints/completion.h"
#include "mapwire/runtime/reserve.h"
#include "mapwire/runtime/trip_table.h"

namespace mapwire::detail {

// Each wire waits once, as it is disarmed when it trips: so there is room for all.
//
// Threads: guarded by the context's lock.
class Trips {
 public:
  // One more wire that may trip, or one less.
  void add_wire() { reserve_doubling(tripped_, ++wires_); }
  void remove_wire() { --wires_; }

  bool empty() const { return tripped_.empty(); }
  void push(TripWire& wire) { tripped_.push_back(&wire); }
  // Nobody is told of it. False: it does not wait here.
  bool withdraw(const TripWire& wire) { return std::erase(tripped_, &wire) != 0; }
  // Moves up to out.size() completions out, oldest first; returns their number.
  std::size_t take(std::span<Completion> out) {
    const std::size_t count = std::min(out.size(), tripped_.size());
    const auto end = tripped_.begin() + static_cast<std::ptrdiff_t>(count);
    std::transform(tripped_.begin(), end, out.begin(), [](const TripWire* wire) {
      return Completion{.cookie = wire->cookie, .operation = Operation::kTripwire};
    });
    tripped_.erase(tripped_.begin(), end);
    return count;
  }

 private:
  std::vector<TripWire*> tripped_;
  std::size_t wires_ = 0;
};

}  // namespace mapwire::detail
