#include <span>

#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/on_answer.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/scatter_gather.h"

namespace mapwire::nic_fw {

void on_atomic_acknowledge(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  if (!answers_oldest(core, qp, packet)) return;
  Requester& requester = qp.requester;
  const WorkRequest& request = requester.at(requester.head);
  take_credits(qp, requester.unacknowledged_psn, packet.aeth);
  if (!is_atomic(request.descriptor.opcode) || !packet.payload.empty()) {
    fail_request(core, qp, requester.head, Code::kBadResponse);
    return;
  }
  if (!scatter(core.memory, qp.options.protection_domain, request.elements(), 0,
               std::as_bytes(std::span{&packet.atomic_original, 1}))) {
    fail_request(core, qp, requester.head, Code::kLocalProtection);
    return;
  }
  acknowledge_response(core, qp);
}

}  // namespace mapwire::nic_fw
