#include "tools/slices.h"

#include <algorithm>

namespace mapwire::tools {
namespace {

// What is left of `whole`, of which 0 sets no limit.
std::uint64_t left_of(std::uint64_t whole, std::uint64_t done) {
  return whole == 0 ? UINT64_MAX : whole - std::min(done, whole);
}

std::uint64_t share_of(std::uint64_t whole) {
  return whole == 0 ? UINT64_MAX : (whole + kSlicesMin - 1) / kSlicesMin;
}

}  // namespace

std::optional<Slice> next_slice(const TestOptions& options, const Slice& done) {
  const std::uint64_t iterations = options.duration_ns == 0 ? options.iterations : 0;
  const Slice left{.iterations = left_of(iterations, done.iterations),
                   .duration_ns = left_of(options.duration_ns, done.duration_ns)};
  if (left.iterations == 0 || left.duration_ns == 0) return std::nullopt;
  if (!options.baseline) return left;
  return Slice{
      .iterations = std::min(left.iterations, share_of(iterations)),
      .duration_ns = std::min({left.duration_ns, share_of(options.duration_ns), kSliceMaxNs})};
}

}  // namespace mapwire::tools
