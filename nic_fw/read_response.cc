#include <cstdint>

#include "mapwire/nic_fw/next_response.h"
#include "mapwire/nic_fw/packet_out.h"
#include "mapwire/nic_fw/segment.h"

namespace mapwire::nic_fw {
namespace {

proto::Opcode opcode(bool first, bool last) {
  using enum proto::Opcode;
  if (first) return last ? kReadResponseOnly : kReadResponseFirst;
  return last ? kReadResponseLast : kReadResponseMiddle;
}

}  // namespace

bool put_read_response(EngineCore& core, QueuePair& qp, const ReadAtomicResource& resource,
                       TransmitSlot& slot) {
  const Psn psn = resource.respond_psn;
  const Segment part = segment(resource.read.length, qp.peer.path_mtu, psn - resource.first_psn);
  proto::Packet packet = packet_to_peer(qp, opcode(psn == resource.respond_first, part.last), psn);
  if (proto::opcode_traits(packet.opcode()).aeth) packet.aeth = positive_aeth(qp);
  const auto payload = start_packet(slot, packet, part.bytes);
  // Checked for every packet: the region may have been deregistered since the request came.
  if (!core.memory.read_for_peer(resource.read.rkey, resource.read.address + part.offset, payload,
                                 qp.options.protection_domain)) {
    return false;
  }
  finish_packet(core, qp, slot, packet, part.bytes);
  return true;
}

void put_atomic_acknowledge(EngineCore& core, QueuePair& qp, const ReadAtomicResource& resource,
                            TransmitSlot& slot) {
  proto::Packet packet =
      packet_to_peer(qp, proto::Opcode::kAtomicAcknowledge, resource.respond_psn);
  packet.aeth = positive_aeth(qp);
  packet.atomic_original = resource.original;
  put_packet(core, qp, slot, packet);
}

}  // namespace mapwire::nic_fw
