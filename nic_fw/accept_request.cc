#include "mapwire/nic_fw/accept_request.h"

#include <cstdint>

#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/rnr_timer.h"
#include "mapwire/nic_fw/take_requests.h"

namespace mapwire::nic_fw {

bool payload_fits_place(const proto::Packet& packet, std::uint32_t path_mtu) {
  const std::size_t bytes = packet.payload.size();
  if (!packet.traits.last) return bytes == path_mtu;
  return bytes <= path_mtu && (packet.traits.first || bytes > 0);
}

void reject_invalid(EngineCore& core, QueuePair& qp) {
  reject(core, qp, qp.responder.expected_psn, proto::NakCode::kInvalidRequest,
         Code::kRemoteInvalidRequest);
}

void reject_access(EngineCore& core, QueuePair& qp) {
  reject(core, qp, qp.responder.expected_psn, proto::NakCode::kRemoteAccessError,
         Code::kRemoteAccess);
}

bool begin_receive(EngineCore& core, QueuePair& qp) {
  Responder& responder = qp.responder;
  switch (take_receive(core, qp)) {
    case TakenReceive::kTaken: return true;
    case TakenReceive::kFailed: return false;
    case TakenReceive::kNone: break;
  }
  // Told on every attempt: the peer sends nothing else until it is through.
  responder.nak = {.due = true,
                   .type = proto::AethType::kRnrNak,
                   .value = kRnrTimerCode,
                   .psn = responder.expected_psn};
  responder.gap.expect_return(responder.expected_psn);
  return false;
}

void accept(Responder& responder, const proto::Packet& packet, std::uint64_t psns) {
  responder.expected_psn += psns;
  if (packet.traits.last) ++responder.msn;
  responder.nak.due = false;  // what it complained of has come
}

}  // namespace mapwire::nic_fw
