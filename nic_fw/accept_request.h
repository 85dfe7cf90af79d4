// Steps that the responder's handlers share.
#pragma once

#include <cstdint>
#include <optional>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

// Whether the payload of a SEND or WRITE packet is as long as its place in the message demands:
// exactly the path MTU before the end, 1 byte or more in a LAST (IBTA 9.7.4.1.6).
bool payload_fits_place(const proto::Packet& packet, std::uint32_t path_mtu);

// Answers with a NAK for the expected packet and ends the queue pair.
void reject_invalid(EngineCore& core, QueuePair& qp);
void reject_access(EngineCore& core, QueuePair& qp);

// Takes a receive for the arriving message. False: there is none, which an RNR NAK tells the peer,
// or it was bad and the queue pair is in error.
bool begin_receive(EngineCore& core, QueuePair& qp);

// The packet was carried out: the next one is expected. `psns` is 1 but for a READ request.
void accept(Responder& responder, const proto::Packet& packet, std::uint64_t psns);

}  // namespace mapwire::nic_fw
