#include <optional>

#include "mapwire/nic_fw/accept_request.h"
#include "mapwire/nic_fw/complete.h"
#include "mapwire/nic_fw/on_request.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/scatter_gather.h"

namespace mapwire::nic_fw {
namespace {

// Puts the payload behind what has arrived. False: the queue pair is in error.
bool place_in_receive(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  if (packet.payload.size() > responder.receive_bytes - responder.message_bytes) {
    fail_receive(core, qp, Code::kReceiveTooSmall, proto::NakCode::kInvalidRequest);
    return false;
  }
  if (!scatter(core.memory, qp.options.protection_domain,
               {responder.receive->sge.data(), responder.receive->sge_count},
               responder.message_bytes, packet.payload)) {
    fail_receive(core, qp, Code::kLocalProtection, proto::NakCode::kRemoteOperationalError);
    return false;
  }
  responder.message_bytes += packet.payload.size();
  return true;
}

}  // namespace

void on_send(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  if (!payload_fits_place(packet, qp.peer.path_mtu)) {
    reject_invalid(core, qp);
    return;
  }
  if (packet.traits.first) {
    if (!begin_receive(core, qp)) return;
    responder.message = IncomingMessage::kSend;
    responder.message_bytes = 0;
  }
  if (!place_in_receive(core, qp, packet)) return;
  if (packet.traits.last) {
    complete_receive(core, qp, proto::WorkOpcode::kReceive, Code::kOk, responder.message_bytes,
                     packet.traits.immediate ? std::optional{packet.immediate} : std::nullopt);
    responder.message = IncomingMessage::kNone;
  }
  accept(responder, packet, 1);
  responder.ack_due |= packet.bth.ack_request;
}

}  // namespace mapwire::nic_fw
