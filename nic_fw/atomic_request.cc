#include "mapwire/nic_fw/atomic_request.h"

#include "mapwire/nic_fw/packet_out.h"

namespace mapwire::nic_fw {

void put_atomic_request(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                        TransmitSlot& slot) {
  const bool swap = request.descriptor.opcode == proto::WorkOpcode::kCompareSwap;
  proto::Packet packet = packet_to_peer(
      qp, swap ? proto::Opcode::kCompareSwap : proto::Opcode::kFetchAdd, qp.requester.send_psn);
  packet.bth.ack_request = true;
  packet.atomic = {.address = request.descriptor.remote_address,
                   .rkey = request.descriptor.rkey,
                   .swap_or_add = request.descriptor.swap_or_add,
                   .compare = swap ? request.descriptor.compare : 0};
  put_packet(core, qp, slot, packet);
}

}  // namespace mapwire::nic_fw
