// The requester's handlers, one per kind of answer. Precondition of all: the packet is from the
// peer, whole, and the queue pair connected.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

// ACK, NAK or RNR NAK: IBTA 9.7.5.1 and 9.7.5.2.
void on_acknowledge(EngineCore& core, QueuePair& qp, const proto::Packet& packet);

// NAK for `psn`, an outstanding packet: IBTA 9.7.5.2.
void on_nak(EngineCore& core, QueuePair& qp, Psn psn, proto::NakCode code);

// RNR NAK for `psn`, an outstanding packet: IBTA 9.7.5.2.8.
void on_rnr_nak(EngineCore& core, QueuePair& qp, Psn psn, std::uint8_t timer_code);

// IBTA 9.7.5.1.9, and 9.7.5.1.4 for what a response acknowledges.
void on_read_response(EngineCore& core, QueuePair& qp, const proto::Packet& packet);
void on_atomic_acknowledge(EngineCore& core, QueuePair& qp, const proto::Packet& packet);

// Common to both: whether `packet` answers the oldest outstanding packet, everything before having
// been acknowledged by it. False for stale answers and for those that show a gap, which is then
// being recovered.
bool answers_oldest(EngineCore& core, QueuePair& qp, const proto::Packet& packet);

}  // namespace mapwire::nic_fw
