#include "mapwire/nic_fw/acknowledged.h"

#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/complete.h"
#include "mapwire/nic_fw/credit_code.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/read_request.h"
#include "mapwire/nic_fw/retransmit.h"
#include "mapwire/nic_fw/take_requests.h"

namespace mapwire::nic_fw {
namespace {

// Moves unacknowledged_psn to `psn`, inside the oldest request or to its end, which completes it.
void advance(EngineCore& core, QueuePair& qp, Psn psn) {
  Requester& requester = qp.requester;
  requester.unacknowledged_psn = psn;
  if (psn == requester.at(requester.head).end_psn) complete_send(core, qp, Code::kOk);
  // After going back, answers to what was sent before may overtake what is sent again.
  requester.send_psn = std::max(requester.send_psn, psn);
  requester.cursor = std::max(requester.cursor, requester.head);
}

}  // namespace

bool acknowledge_up_to(EngineCore& core, QueuePair& qp, Psn end) {
  Requester& requester = qp.requester;
  const Psn before = requester.unacknowledged_psn;
  const std::uint64_t in_flight_before = requester.in_flight();
  while (requester.unacknowledged_psn < end) {
    const WorkRequest& oldest = requester.at(requester.head);
    if (needs_response(oldest.descriptor.opcode)) break;
    advance(core, qp, std::min(end, oldest.end_psn));
  }
  if (requester.unacknowledged_psn != before) note_progress(core, qp, before, in_flight_before);
  return requester.unacknowledged_psn >= end;
}

void acknowledge_response(EngineCore& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  const Psn before = requester.unacknowledged_psn;
  const std::uint64_t in_flight_before = requester.in_flight();
  const WorkRequest& oldest = requester.at(requester.head);
  const Psn end = is_read(oldest.descriptor.opcode)
                      ? read_request_end(oldest, qp.peer.path_mtu, before)
                      : oldest.end_psn;
  // The request that asked for it is counted if it lies before send_psn.
  if (before + 1 == end && requester.send_psn >= end) --requester.reads_outstanding;
  advance(core, qp, before + 1);
  note_progress(core, qp, before, in_flight_before);
}

void take_credits(QueuePair& qp, Psn psn, const proto::Aeth& aeth) {
  Requester& requester = qp.requester;
  if (psn + 1 < requester.unacknowledged_psn) return;
  const auto granted = credits(aeth.value);
  if (!granted) {
    requester.credit_limit = UINT64_MAX;
    return;
  }
  const std::uint64_t limit = extend(aeth.msn, requester.messages) + *granted;
  if (requester.credit_limit != UINT64_MAX && limit <= requester.credit_limit) return;
  requester.credit_limit = limit;
  requester.limited_end = 0;  // what went out beyond the old limit is within the new one
}

void settle(EngineCore& core, QueuePair& qp) {
  if (qp.state != QueuePairState::kConnected) return;
  take_sends(core, qp);
  const Requester& requester = qp.requester;
  if (qp.state != QueuePairState::kConnected || requester.head == requester.tail) return;
  const Code verdict = requester.at(requester.head).verdict;
  if (verdict != Code::kOk) fail_request(core, qp, requester.head, verdict);
}

}  // namespace mapwire::nic_fw
