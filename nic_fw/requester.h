// The sending half of a queue pair: plain state. Invariants:
//   head <= cursor <= tail                       (requests; tail - head <= requests.size())
//   unacknowledged_psn <= send_psn <= sent_end   (sent_end: nothing at or behind it was ever sent)
//   requests[cursor] holds send_psn, or cursor == tail
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/flight_limit.h"
#include "mapwire/nic_fw/gap_latch.h"
#include "mapwire/nic_fw/psn.h"
#include "mapwire/nic_fw/round_trip.h"
#include "mapwire/nic_fw/work_request.h"
#include "mapwire/runtime/lazy_memory.h"

namespace mapwire::nic_fw {

struct Requester {
  // A ring as large as the send ring, once connected: a post beyond that waits in the send ring.
  LazyArray<WorkRequest> requests;
  std::uint64_t head = 0;    // the oldest that is not complete
  std::uint64_t cursor = 0;  // the one whose packets are being sent
  std::uint64_t tail = 0;    // one past the youngest

  Psn next_psn = 0;  // of the next request that is taken
  Psn unacknowledged_psn = 0;
  Psn send_psn = 0;
  Psn sent_end = 0;

  std::uint32_t reads_max = 0;          // READ requests and atomics out at once
  std::uint32_t reads_outstanding = 0;  // of the PSNs in [unacknowledged_psn, send_psn)

  Psn ack_requested_end = 0;     // one past the last packet that asked for an acknowledgement
  bool ack_request_due = false;  // the next packet asks for one whatever it is
  std::uint64_t messages = 0;    // taken
  std::uint64_t credit_limit = UINT64_MAX;  // last message the peer has a receive for (IBTA: LSN)
  Psn limited_end = 0;  // one past the packet sent beyond the credits, while that is out
  bool credit_stalled = false;

  RoundTrip round_trip;
  FlightLimit flight;
  Psn timed_psn = 0;  // the packet whose round trip is measured; 0: none
  std::uint64_t timed_ns = 0;

  GapLatch response_gap;
  Psn went_back_psn = 0;           // the last go-back led here ...
  std::uint64_t went_back_ns = 0;  // ... at this time

  // Times: UINT64_MAX means not running.
  std::uint64_t progress_ns = 0;  // last acknowledged progress, or first packet after none was out
  std::uint64_t retransmit_at_ns = UINT64_MAX;
  std::uint64_t rnr_resume_at_ns = UINT64_MAX;  // sending waits for the peer's receives until then
  std::uint64_t rnr_since_ns = UINT64_MAX;      // first RNR NAK since the last progress

  WorkRequest& at(std::uint64_t index) { return requests[index & (requests.size() - 1)]; }
  const WorkRequest& at(std::uint64_t index) const {
    return requests[index & (requests.size() - 1)];
  }
  std::uint64_t in_flight() const { return send_psn - unacknowledged_psn; }
  bool outstanding() const { return unacknowledged_psn != sent_end; }
};

}  // namespace mapwire::nic_fw
