#include "tools/memory_copy_baseline.h"

#include <atomic>
#include <cstring>

namespace mapwire::tools {
namespace {

// Between two readings of the clock.
constexpr int kCopies = 16;

}  // namespace

std::expected<void, Error> MemoryCopyBaseline::measure(std::uint64_t duration_ns) {
  const std::uint64_t start_ns = now_ns();
  std::uint64_t now = start_ns;
  while (now - start_ns < duration_ns) {
    for (int i = 0; i < kCopies; ++i) {
      std::memcpy(target_.data(), source_.data(), source_.size());
      std::atomic_signal_fence(std::memory_order_seq_cst);  // no copy is left out
    }
    bytes_ += kCopies * source_.size();
    now = now_ns();
  }
  duration_ns_ += now - start_ns;
  return {};
}

}  // namespace mapwire::tools
