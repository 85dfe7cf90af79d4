#include "tools/latency_recorder.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mapwire::tools {
namespace {

// A time of `bits` significant bits or fewer has a bucket of its own; a longer one loses its low
// bits until it has so many. 2^(bits-1) buckets per power of two.
constexpr unsigned kFineBits = 11;
constexpr unsigned kCoarseBits = 5;

constexpr unsigned lost_bits(std::uint64_t time_ns, unsigned bits) {
  const auto width = static_cast<unsigned>(std::bit_width(time_ns));
  return width > bits ? width - bits : 0;
}

constexpr std::size_t bucket_index(std::uint64_t time_ns) {
  const unsigned lost = lost_bits(time_ns, kFineBits);
  return (std::size_t{lost} << (kFineBits - 1)) + static_cast<std::size_t>(time_ns >> lost);
}

// The largest time whose bucket_index() is `index`.
constexpr std::uint64_t bucket_upper_ns(std::size_t index) {
  const std::size_t block = index >> (kFineBits - 1);
  const unsigned lost = block == 0 ? 0 : static_cast<unsigned>(block - 1);
  const std::uint64_t kept = index - (std::size_t{lost} << (kFineBits - 1));
  return ((kept + 1) << lost) - 1;
}

constexpr std::size_t kBuckets = bucket_index(UINT64_MAX) + 1;
static_assert(bucket_upper_ns(kBuckets - 1) == UINT64_MAX);
static_assert(bucket_upper_ns(bucket_index(2047)) == 2047);
static_assert(bucket_upper_ns(bucket_index(2048)) == 2049);

}  // namespace

LatencyRecorder::LatencyRecorder(std::size_t samples_max)
    : counts_(kBuckets), samples_left_{samples_max} {
  samples_ns_.reserve(samples_max);
}

void LatencyRecorder::record(std::uint64_t time_ns) {
  ++counts_[bucket_index(time_ns)];
  ++count_;
  min_ns_ = std::min(min_ns_, time_ns);
  max_ns_ = std::max(max_ns_, time_ns);
  sum_ns_ += time_ns;
  if (samples_left_ != 0) [[unlikely]]
    keep_sample(time_ns);
}

void LatencyRecorder::keep_sample(std::uint64_t time_ns) {
  samples_ns_.push_back(time_ns);
  --samples_left_;
}

double LatencyRecorder::average_ns() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

double LatencyRecorder::deviation_ns() const {
  if (count_ == 0) return 0;
  const double average = average_ns();
  double sum_squares = 0;
  for (std::size_t index = 0; index < kBuckets; ++index) {
    const double distance = static_cast<double>(bucket_upper_ns(index)) - average;
    sum_squares += static_cast<double>(counts_[index]) * distance * distance;
  }
  return std::sqrt(sum_squares / static_cast<double>(count_));
}

std::uint64_t LatencyRecorder::percentile_ns(double share) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(share * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  std::size_t index = bucket_index(min_ns_);
  for (; index < kBuckets; ++index) {
    seen += counts_[index];
    if (seen >= rank) break;
  }
  return std::clamp(bucket_upper_ns(index), min_ns_, max_ns_);
}

std::vector<HistogramBucket> LatencyRecorder::histogram() const {
  std::vector<HistogramBucket> buckets;
  for (std::size_t index = 0; index < kBuckets; ++index) {
    if (counts_[index] == 0) continue;
    const std::uint64_t time_ns = bucket_upper_ns(index);
    const unsigned lost = lost_bits(time_ns, kCoarseBits);
    const std::uint64_t upper_ns = time_ns | ((std::uint64_t{1} << lost) - 1);
    if (buckets.empty() || buckets.back().upper_ns != upper_ns) buckets.push_back({upper_ns, 0});
    buckets.back().count += counts_[index];
  }
  return buckets;
}

}  // namespace mapwire::tools
