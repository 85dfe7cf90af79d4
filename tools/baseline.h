// The limit of the machine for what ping and bw measure: the barest loop that uses the same means,
// on the same two CPUs. What stands between a figure and its baseline is what mapwire costs.
//
// Threads: a baseline measures in the calling thread, which is the near end and stays on the CPU it
// was bound to, and in one more thread on the far CPU, which lives as long as one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/error.h"
#include "tools/latency_recorder.h"
#include "tools/test_op.h"

namespace mapwire::tools {

class Baseline {
 public:
  Baseline() = default;
  Baseline(const Baseline&) = delete;
  Baseline& operator=(const Baseline&) = delete;
  virtual ~Baseline() = default;

  virtual std::string_view name() const = 0;
  // Measures for `duration_ns`, after a little warm-up. What several calls measured counts as one.
  // Errors: kTimeout (the far end is silent for seconds), kSystemCall.
  virtual std::expected<void, Error> measure(std::uint64_t duration_ns) = 0;
};

class LatencyBaseline : public Baseline {
 public:
  const LatencyRecorder& times() const { return times_; }  // whole round trips

 protected:
  // Calls round_trip() for so long and records the times, taken as ping takes them: one reading of
  // the clock per round trip, each of which starts where the one before ended. False as soon as
  // round_trip() says so.
  template <class RoundTrip>
  [[nodiscard]] bool time_round_trips(std::uint64_t duration_ns, const RoundTrip& round_trip) {
    for (int i = 0; i < kWarmUp; ++i) {
      if (!round_trip()) return false;
    }
    const std::uint64_t start_ns = now_ns();
    std::uint64_t last_ns = start_ns;
    while (last_ns - start_ns < duration_ns) {
      if (!round_trip()) return false;
      const std::uint64_t end_ns = now_ns();
      times_.record(end_ns - last_ns);
      last_ns = end_ns;
    }
    return true;
  }

 private:
  static constexpr int kWarmUp = 100;
  LatencyRecorder times_;
};

class BandwidthBaseline : public Baseline {
 public:
  // Payload, of one direction; 0 if nothing was measured.
  double bytes_per_s() const;

 protected:
  std::uint64_t bytes_ = 0;
  std::uint64_t duration_ns_ = 0;
};

// What a baseline is to be comparable with.
struct BaselineSubject {
  std::string_view wire;  // as EndpointInfo names it
  TestOp op = TestOp::kSend;
  std::size_t bytes = 0;         // of a message
  std::size_t packet_bytes = 0;  // the path MTU
};

// Choose by the wire. Errors: kInvalidArgument (none is known for this wire), kMessageTooLong (for
// the baseline, whose message is one datagram), kSystemCall.
std::expected<std::unique_ptr<LatencyBaseline>, Error> make_latency_baseline(
    const BaselineSubject& subject, int far_processor);
std::expected<std::unique_ptr<BandwidthBaseline>, Error> make_bandwidth_baseline(
    const BaselineSubject& subject, int far_processor);

}  // namespace mapwire::tools
