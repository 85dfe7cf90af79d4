// Puts packets of a queue pair into transmit slots, ICRC included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/opcode.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

// A packet to the queue pair's peer: opcode, destination and PSN are filled in.
proto::Packet packet_to_peer(const QueuePair& qp, proto::Opcode opcode, std::uint64_t psn);

// Writes the headers and returns where the payload goes. finish_packet() follows once it is there;
// if it can not be had, the slot is simply used again.
std::span<std::byte> start_packet(TransmitSlot& slot, const proto::Packet& packet,
                                  std::size_t payload_bytes);
void finish_packet(EngineCore& core, const QueuePair& qp, TransmitSlot& slot,
                   const proto::Packet& packet, std::size_t payload_bytes);

// Both, for a packet without payload.
void put_packet(EngineCore& core, const QueuePair& qp, TransmitSlot& slot,
                const proto::Packet& packet);

}  // namespace mapwire::nic_fw
