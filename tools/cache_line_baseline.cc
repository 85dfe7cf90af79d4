#include "tools/cache_line_baseline.h"

#include "tools/far_end.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kStop = UINT64_MAX;  // no sequence gets there

}  // namespace

std::expected<void, Error> CacheLineBaseline::measure(std::uint64_t duration_ns) {
  there_.value.store(sequence_, std::memory_order_relaxed);
  const auto far_end = start_far_end(
      far_processor_, [this, last = sequence_](const std::stop_token& /*stop*/) { answer(last); });
  if (!far_end) return std::unexpected(far_end.error());
  const bool answered = time_round_trips(duration_ns, [this] { return round_trip(); });
  there_.value.store(kStop, std::memory_order_release);
  if (!answered) return std::unexpected(far_end_silent(name()));
  return {};
}

// The two loops do nothing but look: a pause between two looks would be in the time.
bool CacheLineBaseline::round_trip() {
  there_.value.store(++sequence_, std::memory_order_release);
  Patience patience;
  while (back_.value.load(std::memory_order_acquire) != sequence_) {
    if (patience.has_ended()) return false;
  }
  return true;
}

void CacheLineBaseline::answer(std::uint64_t last) {
  while (true) {
    const std::uint64_t value = there_.value.load(std::memory_order_acquire);
    if (value == kStop) return;
    if (value == last) continue;
    last = value;
    back_.value.store(value, std::memory_order_release);
  }
}

}  // namespace mapwire::tools
