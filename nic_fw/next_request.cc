#include "mapwire/nic_fw/next_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "mapwire/nic_fw/atomic_request.h"
#include "mapwire/nic_fw/read_request.h"
#include "mapwire/nic_fw/retransmit.h"
#include "mapwire/nic_fw/send_request.h"
#include "mapwire/nic_fw/write_request.h"

namespace mapwire::nic_fw {
namespace {

// Inside a long flight an acknowledgement is asked for this often, so that the flight limit is
// clocked and a sender is not left waiting for the end of its message.
constexpr std::uint64_t kAckEvery = 16;

// One past the PSNs that the packet at send_psn takes.
Psn packet_end(const QueuePair& qp, const WorkRequest& request) {
  const Psn psn = qp.requester.send_psn;
  if (!is_read(request.descriptor.opcode)) return psn + 1;
  return read_request_end(request, qp.peer.path_mtu, psn);
}

bool fits_flight(const QueuePair& qp, const WorkRequest& request) {
  const Requester& requester = qp.requester;
  if (requester.in_flight() == 0) return true;  // a READ longer than the limit goes out alone
  return packet_end(qp, request) - requester.unacknowledged_psn <= requester.flight.packets();
}

// IBTA 9.7.7.2.1: behind the limit one packet may still go out; what follows from it opens the
// credits again even if the peer's own word was lost. A message whose first packet was accepted
// has its receive.
bool has_credit(const Requester& requester, const WorkRequest& request) {
  if (!needs_receive(request.descriptor.opcode)) return true;
  if (request.messages <= requester.credit_limit) return true;
  if (requester.unacknowledged_psn > request.first_psn) return true;
  return requester.send_psn == request.first_psn && requester.limited_end == 0;
}

bool asks_for_ack(const Requester& requester, const WorkRequest& request) {
  const Psn next = requester.send_psn + 1;
  if (requester.ack_request_due || next == request.end_psn) return true;
  const std::uint64_t limit = requester.flight.packets();
  if (next - requester.unacknowledged_psn >= limit) return true;
  if (request.messages > requester.credit_limit) return true;
  return next - requester.ack_requested_end >= std::min(kAckEvery, limit / 4);
}

bool put(EngineCore& core, const QueuePair& qp, const WorkRequest& request, bool ack_request,
         TransmitSlot& slot) {
  using enum proto::WorkOpcode;
  switch (request.descriptor.opcode) {
    case kSend:
    case kSendImmediate: return put_send_packet(core, qp, request, ack_request, slot);
    case kWrite:
    case kWriteImmediate: return put_write_packet(core, qp, request, ack_request, slot);
    case kRead: put_read_request(core, qp, request, slot); return true;
    case kCompareSwap:
    case kFetchAdd: put_atomic_request(core, qp, request, slot); return true;
    case kReceive:
    case kReceiveWrite: break;
  }
  return false;  // check_descriptor lets no other opcode through
}

void count_sent(EngineCore& core, QueuePair& qp, const WorkRequest& request, bool ack_request) {
  Requester& requester = qp.requester;
  const Psn end = packet_end(qp, request);
  const bool again = requester.send_psn < requester.sent_end;
  if (again) core.counters.retransmitted_packets.add();
  note_sent(core, qp, ack_request && !again);
  if (needs_response(request.descriptor.opcode)) ++requester.reads_outstanding;
  const bool limited = needs_receive(request.descriptor.opcode) &&
                       request.messages > requester.credit_limit &&
                       requester.send_psn == request.first_psn;
  if (limited) requester.limited_end = end;
  if (ack_request) requester.ack_requested_end = end;
  requester.ack_request_due = false;
  requester.send_psn = end;
  requester.sent_end = std::max(requester.sent_end, end);
  if (end == request.end_psn) ++requester.cursor;
}

}  // namespace

SendState send_state(const QueuePair& qp) {
  const Requester& requester = qp.requester;
  if (qp.state != QueuePairState::kConnected || requester.cursor == requester.tail) {
    return SendState::kIdle;
  }
  if (requester.rnr_resume_at_ns != UINT64_MAX) return SendState::kWaitsForTime;
  const WorkRequest& request = requester.at(requester.cursor);
  if (request.verdict != Code::kOk) return SendState::kWaitsForPeer;  // fails in its turn
  if (!fits_flight(qp, request)) return SendState::kWaitsForPeer;
  if (needs_response(request.descriptor.opcode) &&
      requester.reads_outstanding >= requester.reads_max) {
    return SendState::kWaitsForPeer;
  }
  return has_credit(requester, request) ? SendState::kMaySend : SendState::kWaitsForCredit;
}

bool put_next_request(EngineCore& core, QueuePair& qp, TransmitSlot& slot) {
  Requester& requester = qp.requester;
  WorkRequest& request = requester.at(requester.cursor);
  const bool ack_request =
      needs_response(request.descriptor.opcode) || asks_for_ack(requester, request);
  if (!put(core, qp, request, ack_request, slot)) {
    request.verdict = Code::kLocalProtection;
    return false;
  }
  count_sent(core, qp, request, ack_request);
  return true;
}

}  // namespace mapwire::nic_fw
