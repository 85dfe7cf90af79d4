// Round-trip estimator and retransmission timeout after RFC 6298. Retransmitted packets give no
// sample (Karn); the caller sees to that.
#pragma once

#include <cstdint>

namespace mapwire::nic_fw {

class RoundTrip {
 public:
  void on_sample(std::uint64_t sample_ns);
  // The timeout doubles until the next sample.
  void back_off();
  // Something was acknowledged, though no sample came of it. Most of the back-off is taken back:
  // on a path that loses much, samples are too rare to wait for. Not all of it: were the timeout
  // shorter than the round trip, every packet would be repeated and no sample ever come.
  void on_progress();

  // When to retransmit, after the packet was sent. `ceiling_ns` bounds the back-off, so that
  // several attempts fit into the queue pair's deadline; a measured round trip goes above it.
  std::uint64_t timeout_ns(std::uint64_t ceiling_ns) const;
  // 0 before the first sample.
  std::uint64_t smoothed_ns() const { return smoothed_ns_; }
  std::uint64_t minimum_ns() const { return minimum_ns_; }

 private:
  std::uint64_t base_ns() const;

  std::uint64_t smoothed_ns_ = 0;
  std::uint64_t variation_ns_ = 0;
  std::uint64_t minimum_ns_ = 0;
  unsigned doublings_ = 0;
};

}  // namespace mapwire::nic_fw
