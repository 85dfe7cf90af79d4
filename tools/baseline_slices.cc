#include "tools/baseline_slices.h"

#include <algorithm>

#include "tools/slices.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kSliceMinNs = 5'000'000;
constexpr std::uint64_t kDeadlineShare = 8;  // the warm-up and a busy machine have their time, too

}  // namespace

std::expected<void, Error> BaselineSlices::measure_after(std::uint64_t slice_ns) {
  const std::uint64_t longest_ns = std::min(kSliceMaxNs, ends_.deadline_ns / kDeadlineShare);
  const std::uint64_t duration_ns = std::min(std::max(slice_ns, kSliceMinNs), longest_ns);
  if (auto paused = ends_.server.pause(); !paused) return paused;
  auto measured = baseline_.measure(duration_ns);
  ends_.server.resume();
  return measured;
}

}  // namespace mapwire::tools
