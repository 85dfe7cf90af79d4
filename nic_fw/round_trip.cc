#include "mapwire/nic_fw/round_trip.h"

#include <algorithm>
#include <cstdint>

namespace mapwire::nic_fw {
namespace {

// Before anything is known of the path.
constexpr std::uint64_t kInitialTimeoutNs = 20'000'000;
// The operating system's scheduler, not the network, may make a peer late by this much.
constexpr std::uint64_t kSlackMinNs = 4'000'000;
constexpr unsigned kDoublingsMax = 16;
constexpr unsigned kDoublingsKept = 3;  // 160 ms before the first sample: around the earth

}  // namespace

void RoundTrip::on_sample(std::uint64_t sample_ns) {
  sample_ns = std::max<std::uint64_t>(sample_ns, 1);
  if (smoothed_ns_ == 0) {
    smoothed_ns_ = sample_ns;
    variation_ns_ = sample_ns / 2;
    minimum_ns_ = sample_ns;
  } else {
    const std::uint64_t error =
        sample_ns > smoothed_ns_ ? sample_ns - smoothed_ns_ : smoothed_ns_ - sample_ns;
    variation_ns_ += error / 4 - variation_ns_ / 4;    // beta = 1/4
    smoothed_ns_ += sample_ns / 8 - smoothed_ns_ / 8;  // alpha = 1/8
    smoothed_ns_ = std::max<std::uint64_t>(smoothed_ns_, 1);
    minimum_ns_ = std::min(minimum_ns_, sample_ns);
  }
  doublings_ = 0;
}

void RoundTrip::back_off() { doublings_ = std::min(doublings_ + 1, kDoublingsMax); }

void RoundTrip::on_progress() { doublings_ = std::min(doublings_, kDoublingsKept); }

std::uint64_t RoundTrip::base_ns() const {
  if (smoothed_ns_ == 0) return kInitialTimeoutNs;
  // A steady path has next to no variation, but what is sent again stands in the queues behind what
  // was sent before: a whole round trip of slack keeps that from counting as lost once more.
  return smoothed_ns_ + std::max({4 * variation_ns_, smoothed_ns_, kSlackMinNs});
}

std::uint64_t RoundTrip::timeout_ns(std::uint64_t ceiling_ns) const {
  const std::uint64_t floor_ns = std::max<std::uint64_t>(smoothed_ns_ + 4 * variation_ns_, 1);
  return std::max(floor_ns, std::min(base_ns() << doublings_, ceiling_ns));
}

}  // namespace mapwire::nic_fw
