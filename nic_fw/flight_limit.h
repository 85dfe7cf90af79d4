// How many packets (PSNs: requests sent plus READ responses expected) a queue pair may have
// unacknowledged. It doubles per round trip until the first loss, then grows by a steady amount per
// unit of time, and yields a little to each loss, at most once per round trip: under go-back-N a
// loss costs one flight anyway, so halving on top of it would let a lossy path collapse.
#pragma once

#include <cstdint>

namespace mapwire::nic_fw {

class FlightLimit {
 public:
  FlightLimit() = default;
  explicit FlightLimit(std::uint32_t path_mtu);

  // The limit now, at least kFlightPacketsMin.
  std::uint64_t packets() const { return static_cast<std::uint64_t>(limit_); }

  // `packets` were acknowledged when `in_flight` were out.
  void on_acknowledged(std::uint64_t packets, std::uint64_t in_flight, std::uint64_t smoothed_ns);
  // A gap was reported. True if the limit yielded; false if it already did within a round trip.
  bool on_gap(std::uint64_t now_ns, std::uint64_t smoothed_ns);
  // Nothing came back for a whole timeout.
  void on_timeout(std::uint64_t now_ns);

 private:
  void reduce(double factor, std::uint64_t now_ns);

  double limit_ = 0;
  double max_ = 0;
  bool doubling_ = true;
  std::uint64_t reduced_ns_ = 0;
};

}  // namespace mapwire::nic_fw
