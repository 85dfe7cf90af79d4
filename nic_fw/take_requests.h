// Takes posted descriptors out of the rings an application writes: copied once, checked, then used.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// Takes what the application posted to the send ring, as far as the requester and the completion
// queue have room, and gives each request its PSNs. Precondition: connected.
void take_sends(EngineCore& core, QueuePair& qp);

enum class TakenReceive : std::uint8_t {
  kTaken,
  kNone,    // none posted, or no room for its completion now
  kFailed,  // the receive was bad: it was completed and the queue pair is in error
};

// Takes the oldest posted receive into responder.receive. Precondition: connected, none is taken.
TakenReceive take_receive(EngineCore& core, QueuePair& qp);

// Completes everything in both rings with `status`, as far as the completion queue has room; the
// rest is done when a timer says so. Precondition: in error.
void drain_rings(EngineCore& core, QueuePair& qp, Code status);

}  // namespace mapwire::nic_fw
