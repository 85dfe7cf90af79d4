#include "mapwire/nic_fw/packet_out.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "mapwire/nic_fw/psn.h"
#include "mapwire/proto/icrc.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint16_t kIdentification = 0;  // see wire.h

}  // namespace

proto::Packet packet_to_peer(const QueuePair& qp, proto::Opcode opcode, std::uint64_t psn) {
  proto::Packet packet;
  packet.bth.opcode = std::to_underlying(opcode);
  packet.bth.migration = true;  // IBTA 9.2.3: the state of a path that never migrates
  packet.bth.dest_qpn = qp.peer.address.qpn;
  packet.bth.psn = wire_psn(psn);
  return packet;
}

std::span<std::byte> start_packet(TransmitSlot& slot, const proto::Packet& packet,
                                  std::size_t payload_bytes) {
  return proto::write_packet(slot.bytes, packet, payload_bytes);
}

void finish_packet(EngineCore& core, const QueuePair& qp, TransmitSlot& slot,
                   const proto::Packet& packet, std::size_t payload_bytes) {
  slot.used = proto::packet_bytes(packet.opcode(), payload_bytes);
  slot.flow = qp.flow;
  proto::seal(slot.flow, kIdentification, slot.bytes.first(slot.used));
  core.counters.packets_sent.add();
  core.counters.payload_bytes_sent.add(payload_bytes);
}

void put_packet(EngineCore& core, const QueuePair& qp, TransmitSlot& slot,
                const proto::Packet& packet) {
  start_packet(slot, packet, 0);
  finish_packet(core, qp, slot, packet, 0);
}

}  // namespace mapwire::nic_fw
