// Decides which request packet of a queue pair goes out next, and when.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

enum class SendState : std::uint8_t {
  kMaySend,
  kIdle,           // nothing to send, or not connected
  kWaitsForTime,   // an RNR timer runs
  kWaitsForPeer,   // the flight limit or the limit on READs and atomics is reached
  kWaitsForCredit  // the peer has no receive for the next message
};

SendState send_state(const QueuePair& qp);

// Puts the next request packet into `slot`. False if none came of it: its memory is gone and the
// request fails in its turn. Precondition: send_state() is kMaySend.
bool put_next_request(EngineCore& core, QueuePair& qp, TransmitSlot& slot);

}  // namespace mapwire::nic_fw
