// Compare-and-swap and fetch-and-add, requester side: IBTA 9.4.5.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// Puts the request for requester.send_psn into `slot`.
void put_atomic_request(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                        TransmitSlot& slot);

}  // namespace mapwire::nic_fw
