#include "mapwire/tlb/replacement.h"

#include <cstdlib>

#include "mapwire/tlb/clock_replacement.h"
#include "mapwire/tlb/lru_replacement.h"

namespace mapwire::tlb {

std::string_view name(Policy policy) { return policy == Policy::kClock ? "clock" : "lru"; }

std::unique_ptr<Replacement> Replacement::make(Policy policy, std::size_t size) {
  switch (policy) {
    case Policy::kClock: return std::make_unique<ClockReplacement>(size);
    case Policy::kLru: return std::make_unique<LruReplacement>(size);
  }
  std::abort();
}

}  // namespace mapwire::tlb
