#include <cstdint>

#include "mapwire/nic_fw/credit_code.h"
#include "mapwire/nic_fw/next_response.h"
#include "mapwire/nic_fw/packet_out.h"

namespace mapwire::nic_fw {

proto::Aeth positive_aeth(QueuePair& qp) {
  Responder& responder = qp.responder;
  // The message that is arriving is not counted by the MSN yet, and it has its receive.
  const std::uint32_t receives = qp.rings.receive.available() + (responder.receive ? 1 : 0);
  responder.advertised_credits = credit_code(receives);
  return {.type = proto::AethType::kAck,
          .value = responder.advertised_credits,
          .msn = responder.msn & proto::kPsnMask};
}

void put_acknowledgement(EngineCore& core, QueuePair& qp, TransmitSlot& slot) {
  Responder& responder = qp.responder;
  proto::Packet packet =
      packet_to_peer(qp, proto::Opcode::kAcknowledge, responder.expected_psn - 1);
  packet.aeth = positive_aeth(qp);
  put_packet(core, qp, slot, packet);
  responder.ack_due = false;
  core.counters.acks_sent.add();
}

void advertise_receives(QueuePair& qp) {
  if (qp.responder.advertised_credits == 0) qp.responder.ack_due = true;
}

}  // namespace mapwire::nic_fw
