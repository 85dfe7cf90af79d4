// Collects measured times in constant memory. Times below 2048 ns are kept exactly, longer ones to
// within a thousandth, so that a run may last as long as it likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mapwire::tools {

struct HistogramBucket {
  std::uint64_t upper_ns = 0;  // the largest time that counts here
  std::uint64_t count = 0;
};

class LatencyRecorder {
 public:
  // Keeps the first `samples_max` times also one by one.
  explicit LatencyRecorder(std::size_t samples_max = 0);

  // Part of what is measured, so it does no more than it must.
  void record(std::uint64_t time_ns);

  std::uint64_t count() const { return count_; }
  // All of these are 0 when nothing was recorded.
  std::uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  std::uint64_t max_ns() const { return max_ns_; }
  double average_ns() const;
  double deviation_ns() const;  // of the population, as far as the times are kept exactly
  // The smallest time that at least `share` (0..1) of all did not exceed.
  std::uint64_t percentile_ns(double share) const;

  // The times in buckets at most a sixteenth of their value wide, without the empty ones,
  // ascending.
  std::vector<HistogramBucket> histogram() const;
  // In the order of recording.
  const std::vector<std::uint64_t>& samples_ns() const { return samples_ns_; }

 private:
  [[gnu::cold, gnu::noinline]] void keep_sample(std::uint64_t time_ns);

  std::vector<std::uint64_t> counts_;
  std::vector<std::uint64_t> samples_ns_;
  std::size_t samples_left_;  // to keep
  std::uint64_t count_ = 0;
  std::uint64_t min_ns_ = UINT64_MAX;
  std::uint64_t max_ns_ = 0;
  std::uint64_t sum_ns_ = 0;  // enough for centuries
};

}  // namespace mapwire::tools
