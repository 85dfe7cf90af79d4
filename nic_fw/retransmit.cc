#include "mapwire/nic_fw/retransmit.h"

#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/queue_pair_error.h"

namespace mapwire::nic_fw {
namespace {

// Attempts that fit into the deadline even after the longest back-off.
constexpr std::uint64_t kAttemptsMin = 8;

std::uint64_t timeout_ns(const QueuePair& qp) {
  return qp.requester.round_trip.timeout_ns(qp.options.deadline_ns / kAttemptsMin);
}

std::uint64_t after(std::uint64_t start_ns, std::uint64_t duration_ns) {
  return duration_ns < UINT64_MAX - start_ns ? start_ns + duration_ns : UINT64_MAX;
}

std::uint64_t give_up_at_ns(const QueuePair& qp) {
  return after(qp.requester.progress_ns, qp.options.deadline_ns);
}

void on_timeout(EngineCore& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  core.counters.timeouts.add();
  core.counters.flight_reductions.add();
  requester.round_trip.back_off();
  requester.flight.on_timeout(core.now_ns);
  go_back(core, qp);
  requester.retransmit_at_ns = after(core.now_ns, timeout_ns(qp));
}

}  // namespace

void note_sent(EngineCore& core, QueuePair& qp, bool timed) {
  Requester& requester = qp.requester;
  if (!requester.outstanding()) requester.progress_ns = core.now_ns;
  if (requester.retransmit_at_ns == UINT64_MAX) {
    requester.retransmit_at_ns = after(core.now_ns, timeout_ns(qp));
  }
  if (timed && requester.timed_psn == 0) {
    requester.timed_psn = requester.send_psn;
    requester.timed_ns = core.now_ns;
  }
}

void note_progress(EngineCore& core, QueuePair& qp, Psn before, std::uint64_t in_flight_before) {
  Requester& requester = qp.requester;
  if (requester.timed_psn != 0 && requester.unacknowledged_psn > requester.timed_psn) {
    requester.round_trip.on_sample(core.now_ns - requester.timed_ns);
    requester.timed_psn = 0;
  }
  if (requester.limited_end <= requester.unacknowledged_psn) requester.limited_end = 0;
  requester.flight.on_acknowledged(requester.unacknowledged_psn - before, in_flight_before,
                                   requester.round_trip.smoothed_ns());
  requester.round_trip.on_progress();
  requester.progress_ns = core.now_ns;
  requester.rnr_since_ns = UINT64_MAX;
  requester.rnr_resume_at_ns = UINT64_MAX;
  requester.retransmit_at_ns =
      requester.in_flight() == 0 ? UINT64_MAX : after(core.now_ns, timeout_ns(qp));
}

void recover_gap(EngineCore& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  // An answer to the last repetition takes a round trip; what comes sooner answers the original.
  // Half of one, because the acknowledgements that were measured may have been held back.
  const bool stale = requester.went_back_psn == requester.unacknowledged_psn &&
                     core.now_ns - requester.went_back_ns < requester.round_trip.minimum_ns() / 2;
  if (stale) return;
  if (requester.flight.on_gap(core.now_ns, requester.round_trip.smoothed_ns())) {
    core.counters.flight_reductions.add();
  }
  go_back(core, qp);
}

void go_back(const EngineCore& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  requester.went_back_psn = requester.unacknowledged_psn;
  requester.went_back_ns = core.now_ns;
  requester.send_psn = requester.unacknowledged_psn;
  requester.cursor = requester.head;
  requester.reads_outstanding = 0;
  requester.limited_end = 0;
  requester.ack_requested_end = requester.send_psn;
  requester.ack_request_due = true;  // the answer says at once whether this was of use
  requester.timed_psn = 0;
  requester.retransmit_at_ns = UINT64_MAX;
}

void on_requester_time(EngineCore& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  if (qp.state != QueuePairState::kConnected) return;
  if (requester.outstanding() && core.now_ns >= give_up_at_ns(qp)) {
    fail_request(core, qp, requester.head, Code::kRetryExceeded);
    return;
  }
  if (core.now_ns >= requester.rnr_resume_at_ns) requester.rnr_resume_at_ns = UINT64_MAX;
  if (core.now_ns >= requester.retransmit_at_ns) on_timeout(core, qp);
}

std::uint64_t requester_deadline_ns(const QueuePair& qp) {
  const Requester& requester = qp.requester;
  if (qp.state != QueuePairState::kConnected) return UINT64_MAX;
  const std::uint64_t first = std::min(requester.retransmit_at_ns, requester.rnr_resume_at_ns);
  return requester.outstanding() ? std::min(first, give_up_at_ns(qp)) : first;
}

}  // namespace mapwire::nic_fw
