#include <cstdint>
#include <cstring>

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
  const std::uint64_t address = resource.read.address + part.offset;
  // Checked for every packet: the region may have been deregistered since the request came.
  if (part.bytes > 0 && !core.memory.allows(resource.read.rkey, address, part.bytes,
                                            qp.options.protection_domain, RemoteUse::kRead)) {
    return false;
  }
  proto::Packet packet = packet_to_peer(qp, opcode(psn == resource.respond_first, part.last), psn);
  if (proto::opcode_traits(packet.opcode()).aeth) packet.aeth = positive_aeth(qp);
  const auto payload = start_packet(slot, packet, part.bytes);
  if (part.bytes > 0) {
    std::memcpy(payload.data(), reinterpret_cast<const std::byte*>(address), part.bytes);
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
