#include "mapwire/nic_fw/flight_limit.h"

#include <algorithm>
#include <cstdint>

namespace mapwire::nic_fw {
namespace {

constexpr double kFlightPacketsMin = 8;  // enough packets behind a lost one to reveal the loss
constexpr double kFlightPacketsInitial = 16;
// Above the bandwidth-delay product of 1 Gbit/s at 10 ms (1.25 MB) even after a reduction, and
// below twice of it, so that a path whose queue holds one more product is not overrun.
constexpr double kFlightBytesMax = 2.0 * 1024 * 1024;
// Growth is per time and not per round trip, so that a short path does not overrun its peer's
// socket buffer every few round trips and a long one still recovers from loss within a few.
constexpr double kGrowthPerMs = 1.0;
constexpr double kGrowthPerRoundTripMax = 16;
constexpr double kYieldToGap = 0.85;
constexpr double kYieldWhileDoubling = 0.5;  // the last doubling was the one too many
constexpr double kYieldToTimeout = 0.5;

}  // namespace

FlightLimit::FlightLimit(std::uint32_t path_mtu)
    : limit_{kFlightPacketsInitial}, max_{kFlightBytesMax / path_mtu} {}

void FlightLimit::on_acknowledged(std::uint64_t packets, std::uint64_t in_flight,
                                  std::uint64_t smoothed_ns) {
  // Growth needs proof that the limit was used.
  if (2 * static_cast<double>(in_flight) < limit_) return;
  double growth = static_cast<double>(packets);
  if (!doubling_) {
    const double per_round_trip =
        std::min(kGrowthPerMs * static_cast<double>(smoothed_ns) / 1e6, kGrowthPerRoundTripMax);
    growth *= per_round_trip / limit_;
  }
  limit_ += growth;
  if (limit_ < max_) return;
  // Reaching the maximum counts as a gap. A flow that rested at it would never overrun the queue it
  // shares, so every overrun would strike the flows that still grow, and they would never catch up.
  limit_ = max_ * kYieldToGap;
  doubling_ = false;
}

bool FlightLimit::on_gap(std::uint64_t now_ns, std::uint64_t smoothed_ns) {
  if (reduced_ns_ != 0 && now_ns - reduced_ns_ < smoothed_ns) return false;
  reduce(doubling_ ? kYieldWhileDoubling : kYieldToGap, now_ns);
  return true;
}

void FlightLimit::on_timeout(std::uint64_t now_ns) { reduce(kYieldToTimeout, now_ns); }

void FlightLimit::reduce(double factor, std::uint64_t now_ns) {
  limit_ = std::max(limit_ * factor, kFlightPacketsMin);
  doubling_ = false;
  reduced_ns_ = now_ns;
}

}  // namespace mapwire::nic_fw
