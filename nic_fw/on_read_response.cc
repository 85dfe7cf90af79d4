#include <cstdint>

#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/on_answer.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/read_request.h"
#include "mapwire/nic_fw/retransmit.h"
#include "mapwire/nic_fw/scatter_gather.h"
#include "mapwire/nic_fw/segment.h"

namespace mapwire::nic_fw {

bool answers_oldest(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Requester& requester = qp.requester;
  const Psn psn = extend(packet.bth.psn, requester.unacknowledged_psn);
  if (psn >= requester.sent_end || psn < requester.unacknowledged_psn) return false;
  if (acknowledge_up_to(core, qp, psn)) return true;
  if (requester.response_gap.should_signal(requester.unacknowledged_psn, psn)) {
    recover_gap(core, qp);
  }
  return false;
}

void on_read_response(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  if (!answers_oldest(core, qp, packet)) return;
  Requester& requester = qp.requester;
  const Psn psn = requester.unacknowledged_psn;
  const WorkRequest& request = requester.at(requester.head);
  if (packet.traits.aeth) take_credits(qp, psn, packet.aeth);
  const Segment part = segment(request.bytes, qp.peer.path_mtu, psn - request.first_psn);
  // FIRST and ONLY are not told from MIDDLE and LAST: where a response starts depends on which of
  // several repetitions it answers.
  const bool last = psn + 1 == read_request_end(request, qp.peer.path_mtu, psn);
  if (!is_read(request.descriptor.opcode) || packet.payload.size() != part.bytes ||
      packet.traits.last != last) {
    fail_request(core, qp, requester.head, Code::kBadResponse);
    return;
  }
  if (!scatter(core.memory, qp.options.protection_domain, request.elements(), part.offset,
               packet.payload)) {
    fail_request(core, qp, requester.head, Code::kLocalProtection);
    return;
  }
  acknowledge_response(core, qp);
}

}  // namespace mapwire::nic_fw
