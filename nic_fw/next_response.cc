#include "mapwire/nic_fw/next_response.h"

#include "mapwire/nic_fw/packet_out.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/read_atomic_resource.h"

namespace mapwire::nic_fw {
namespace {

void put_nak(EngineCore& core, QueuePair& qp, TransmitSlot& slot) {
  Responder& responder = qp.responder;
  proto::Packet packet = packet_to_peer(qp, proto::Opcode::kAcknowledge, responder.nak.psn);
  packet.aeth = {.type = responder.nak.type,
                 .value = responder.nak.value,
                 .msn = responder.msn & proto::kPsnMask};
  put_packet(core, qp, slot, packet);
  responder.nak.due = false;
  responder.ack_due = false;  // a NAK acknowledges everything before it
  const bool rnr = responder.nak.type == proto::AethType::kRnrNak;
  (rnr ? core.counters.rnr_naks_sent : core.counters.naks_sent).add();
}

// A repetition that comes when the peer has its answer, and its memory has gone since, is nobody's
// fault: it is dropped, as one of a READ that is forgotten (IBTA 9.9.3, class D).
void refuse_read(EngineCore& core, QueuePair& qp, ReadAtomicResource& resource) {
  if (resource.answered) return drop_responses(qp.responder, resource);
  const Psn psn = resource.respond_psn;
  drop_responses(qp.responder);
  reject(core, qp, psn, proto::NakCode::kRemoteAccessError, Code::kRemoteAccess);
}

}  // namespace

bool response_due(const QueuePair& qp) {
  return qp.responder.responses_pending > 0 || qp.responder.nak.due;
}

bool acknowledgement_due(const QueuePair& qp) { return qp.responder.ack_due && !response_due(qp); }

bool put_next_response(EngineCore& core, QueuePair& qp, TransmitSlot& slot) {
  Responder& responder = qp.responder;
  if (responder.responses_pending == 0) {
    put_nak(core, qp, slot);
    return true;
  }
  ReadAtomicResource& resource = next_to_respond(responder);
  if (resource.atomic) {
    put_atomic_acknowledge(core, qp, resource, slot);
  } else if (!put_read_response(core, qp, resource, slot)) {
    refuse_read(core, qp, resource);
    return false;
  }
  // An answer to the youngest request acknowledges all.
  if (resource.respond_psn + 1 == responder.expected_psn) responder.ack_due = false;
  note_responded(responder, resource);
  return true;
}

}  // namespace mapwire::nic_fw
