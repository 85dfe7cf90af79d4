// RDMA WRITE and WRITE with immediate, requester side: IBTA 9.4.3.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// Puts the packet for requester.send_psn of `request` into `slot`. False: an lkey refuses.
bool put_write_packet(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                      bool ack_request, TransmitSlot& slot);

}  // namespace mapwire::nic_fw
