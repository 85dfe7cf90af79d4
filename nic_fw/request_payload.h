// Puts the packet of a request that carries a piece of the requester's memory.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/nic_fw/segment.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

// Writes the headers and gathers the part of the request's memory as the payload. False if that
// memory is no longer registered: nothing was sent, and the slot may be used again.
bool put_payload_packet(EngineCore& core, const QueuePair& qp, TransmitSlot& slot,
                        const proto::Packet& packet, const WorkRequest& request,
                        const Segment& part);

}  // namespace mapwire::nic_fw
