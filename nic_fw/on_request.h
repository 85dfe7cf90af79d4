// The responder's handlers, one per kind of request. Precondition of all but on_request: the queue
// pair is connected and the packet is the expected one.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

// Sorts a request packet by its PSN into expected, duplicate and ahead: IBTA 9.7.4.1. Precondition:
// it is from the peer and whole.
void on_request(EngineCore& core, QueuePair& qp, const proto::Packet& packet);

// A request seen before. Precondition: connected; `psn` lies before the expected one.
void on_duplicate(EngineCore& core, QueuePair& qp, const proto::Packet& packet, Psn psn);

void on_send(EngineCore& core, QueuePair& qp, const proto::Packet& packet);
void on_write(EngineCore& core, QueuePair& qp, const proto::Packet& packet);
void on_read_request(EngineCore& core, QueuePair& qp, const proto::Packet& packet);
void on_atomic(EngineCore& core, QueuePair& qp, const proto::Packet& packet);

}  // namespace mapwire::nic_fw
