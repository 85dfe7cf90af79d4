// How a test of one size is cut where a baseline is measured between its parts.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/test_options.h"

namespace mapwire::tools {

// As many at least, so that what disturbs the machine for a while disturbs both sides alike.
inline constexpr std::uint64_t kSlicesMin = 10;
inline constexpr std::uint64_t kSliceMaxNs = 100'000'000;

// What is measured in one go ends with whichever comes first.
struct Slice {
  std::uint64_t iterations = 0;   // UINT64_MAX: any number
  std::uint64_t duration_ns = 0;  // UINT64_MAX: any time
};

// The next slice after `done` of the test; nothing if that was all. Without --baseline a test is
// one slice.
std::optional<Slice> next_slice(const TestOptions& options, const Slice& done);

}  // namespace mapwire::tools
