#include "mapwire/nic_fw/on_request.h"

#include "mapwire/nic_fw/accept_request.h"

namespace mapwire::nic_fw {
namespace {

// IBTA 9.7.4.1.2: a message may only be continued by its own kind, and nothing else may start
// before its end.
bool in_sequence(const Responder& responder, const proto::Packet& packet) {
  switch (responder.message) {
    case IncomingMessage::kNone: return packet.traits.first;
    case IncomingMessage::kSend:
      return packet.traits.kind == proto::PacketKind::kSend && !packet.traits.first;
    case IncomingMessage::kWrite:
      return packet.traits.kind == proto::PacketKind::kWrite && !packet.traits.first;
  }
  return false;
}

void on_expected(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  if (!in_sequence(qp.responder, packet)) {
    reject_invalid(core, qp);
    return;
  }
  switch (packet.traits.kind) {
    case proto::PacketKind::kSend: on_send(core, qp, packet); return;
    case proto::PacketKind::kWrite: on_write(core, qp, packet); return;
    case proto::PacketKind::kReadRequest: on_read_request(core, qp, packet); return;
    case proto::PacketKind::kAtomic: on_atomic(core, qp, packet); return;
    case proto::PacketKind::kReadResponse:
    case proto::PacketKind::kAcknowledge:
    case proto::PacketKind::kAtomicAcknowledge:
    case proto::PacketKind::kDatagram: return;  // no requests; on_packet sends them elsewhere
  }
}

void on_ahead(EngineCore& core, QueuePair& qp, Psn psn) {
  Responder& responder = qp.responder;
  core.counters.out_of_sequence.add();
  if (!responder.gap.should_signal(responder.expected_psn, psn)) return;
  responder.nak = {.due = true,
                   .type = proto::AethType::kNak,
                   .value = static_cast<std::uint8_t>(proto::NakCode::kPsnSequenceError),
                   .psn = responder.expected_psn};
}

// The NAK that ended the queue pair may have been lost, and so may answers to what came before it.
void on_refused(EngineCore& core, QueuePair& qp, const proto::Packet& packet, Psn psn) {
  if (psn >= qp.responder.nak.psn) {
    qp.responder.nak.due = true;
  } else {
    on_duplicate(core, qp, packet, psn);
  }
}

}  // namespace

void on_request(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  const Psn psn = extend(packet.bth.psn, responder.expected_psn);
  if (qp.state == QueuePairState::kError) {
    if (responder.rejected) on_refused(core, qp, packet, psn);
  } else if (psn < responder.expected_psn) {
    core.counters.duplicates.add();
    on_duplicate(core, qp, packet, psn);
  } else if (psn > responder.expected_psn) {
    on_ahead(core, qp, psn);
  } else {
    on_expected(core, qp, packet);
  }
}

}  // namespace mapwire::nic_fw
