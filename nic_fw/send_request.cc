#include "mapwire/nic_fw/send_request.h"

#include "mapwire/nic_fw/packet_out.h"
#include "mapwire/nic_fw/request_payload.h"
#include "mapwire/nic_fw/segment.h"

namespace mapwire::nic_fw {
namespace {

proto::Opcode send_opcode(const Segment& segment, bool immediate) {
  using enum proto::Opcode;
  if (!segment.last) return segment.first ? kSendFirst : kSendMiddle;
  if (segment.first) return immediate ? kSendOnlyImmediate : kSendOnly;
  return immediate ? kSendLastImmediate : kSendLast;
}

}  // namespace

bool put_send_packet(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                     bool ack_request, TransmitSlot& slot) {
  const Psn psn = qp.requester.send_psn;
  const Segment part = segment(request.bytes, qp.peer.path_mtu, psn - request.first_psn);
  const bool immediate = request.descriptor.opcode == proto::WorkOpcode::kSendImmediate;
  proto::Packet packet = packet_to_peer(qp, send_opcode(part, immediate), psn);
  packet.bth.ack_request = ack_request;
  packet.bth.solicited = part.last && (request.descriptor.flags & proto::kFlagSolicited) != 0;
  packet.immediate = request.descriptor.immediate;
  return put_payload_packet(core, qp, slot, packet, request, part);
}

}  // namespace mapwire::nic_fw
