#include <cstdint>

#include "mapwire/nic_fw/accept_request.h"
#include "mapwire/nic_fw/complete.h"
#include "mapwire/nic_fw/on_request.h"

namespace mapwire::nic_fw {
namespace {

// The lengths of the packets must add up to the length in the RETH (IBTA 9.7.4.1.6).
bool adds_up(const Responder& responder, const proto::Packet& packet) {
  const std::uint64_t bytes = responder.message_bytes + packet.payload.size();
  return packet.traits.last ? bytes == responder.write.length : bytes < responder.write.length;
}

// Of a message of several packets, whose first is refused if any of them would be. An empty WRITE
// needs no key (IBTA 9.7.4.1.5).
bool whole_range_permitted(const EngineCore& core, const QueuePair& qp,
                           const proto::Packet& packet) {
  const proto::Reth& reth = qp.responder.write;
  if (!packet.traits.first || packet.traits.last) return true;
  return core.memory.allows(reth.rkey, reth.address, reth.length, qp.options.protection_domain,
                            RemoteUse::kWrite);
}

void start(Responder& responder, const proto::Reth& reth) {
  responder.message = IncomingMessage::kWrite;
  responder.message_bytes = 0;
  responder.write = reth;
}

// False: it was refused and the queue pair is in error. Each packet is looked at by itself: the
// region may be deregistered in the middle of a message.
bool place_in_region(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  if (!whole_range_permitted(core, qp, packet) ||
      !core.memory.write_for_peer(responder.write.rkey,
                                  responder.write.address + responder.message_bytes, packet.payload,
                                  qp.options.protection_domain)) {
    reject_access(core, qp);
    return false;
  }
  responder.message_bytes += packet.payload.size();
  return true;
}

}  // namespace

void on_write(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  if (packet.traits.first) start(responder, packet.reth);
  if (!payload_fits_place(packet, qp.peer.path_mtu) || !adds_up(responder, packet) ||
      responder.write.length > proto::kMessageBytesMax) {
    reject_invalid(core, qp);
    return;
  }
  // The receive comes first: while there is none the packet has no effect and will be repeated.
  if (packet.traits.immediate && !begin_receive(core, qp)) {
    if (packet.traits.first) responder.message = IncomingMessage::kNone;
    return;
  }
  if (!place_in_region(core, qp, packet)) return;
  if (packet.traits.immediate) {
    complete_receive(core, qp, proto::WorkOpcode::kReceiveWrite, Code::kOk, responder.write.length,
                     packet.immediate);
  }
  if (packet.traits.last) responder.message = IncomingMessage::kNone;
  accept(responder, packet, 1);
  responder.ack_due |= packet.bth.ack_request;
}

}  // namespace mapwire::nic_fw
