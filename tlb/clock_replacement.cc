#include "mapwire/tlb/clock_replacement.h"

namespace mapwire::tlb {

// Twice round: the first may only have passed over all.
std::optional<std::uint32_t> ClockReplacement::victim(std::span<const std::uint32_t> uses) {
  for (std::size_t step = 0; step < 2 * places_.size(); ++step) {
    const std::uint32_t id = hand_;
    hand_ = id + 1 == places_.size() ? 0 : id + 1;
    if (places_[id] == Place::kEmpty || uses[id] != 0) continue;
    if (places_[id] == Place::kPassed) return id;
    places_[id] = Place::kPassed;
  }
  return std::nullopt;
}

}  // namespace mapwire::tlb
