// What every kind of answer does to the requester before its own business: IBTA 9.7.5.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

// Takes everything before `end` as acknowledged and completes requests, up to the first READ or
// atomic whose own answer is missing. Returns whether it got to `end`. Precondition:
// end <= requester.sent_end.
bool acknowledge_up_to(EngineCore& core, QueuePair& qp, Psn end);

// The packet at unacknowledged_psn, a READ response or an atomic's, was answered.
void acknowledge_response(EngineCore& core, QueuePair& qp);

// Believes the credits in an answer to `psn`, unless it is older than what is acknowledged.
void take_credits(QueuePair& qp, Psn psn, const proto::Aeth& aeth);

// The oldest request fails if its verdict is bad: its turn has come. Also takes more requests from
// the send ring as room allows.
void settle(EngineCore& core, QueuePair& qp);

}  // namespace mapwire::nic_fw
