#include "mapwire/nic_fw/write_request.h"

#include <cstdint>

#include "mapwire/nic_fw/packet_out.h"
#include "mapwire/nic_fw/request_payload.h"
#include "mapwire/nic_fw/segment.h"

namespace mapwire::nic_fw {
namespace {

proto::Opcode write_opcode(const Segment& segment, bool immediate) {
  using enum proto::Opcode;
  if (!segment.last) return segment.first ? kWriteFirst : kWriteMiddle;
  if (segment.first) return immediate ? kWriteOnlyImmediate : kWriteOnly;
  return immediate ? kWriteLastImmediate : kWriteLast;
}

}  // namespace

bool put_write_packet(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                      bool ack_request, TransmitSlot& slot) {
  const Psn psn = qp.requester.send_psn;
  const Segment part = segment(request.bytes, qp.peer.path_mtu, psn - request.first_psn);
  const bool immediate = request.descriptor.opcode == proto::WorkOpcode::kWriteImmediate;
  proto::Packet packet = packet_to_peer(qp, write_opcode(part, immediate), psn);
  packet.bth.ack_request = ack_request;
  packet.bth.solicited =
      part.last && immediate && (request.descriptor.flags & proto::kFlagSolicited) != 0;
  packet.immediate = request.descriptor.immediate;
  packet.reth = {.address = request.descriptor.remote_address,
                 .rkey = request.descriptor.rkey,
                 .length = static_cast<std::uint32_t>(request.bytes)};
  return put_payload_packet(core, qp, slot, packet, request, part);
}

}  // namespace mapwire::nic_fw
