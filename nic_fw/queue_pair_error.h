// The ways a queue pair ends. Whatever the way, every request completes exactly once.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/code.h"
#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

// The application's wish: everything outstanding completes with `reason`. Nothing more is sent.
void flush(EngineCore& core, QueuePair& qp, Code reason);

// Send request `index` failed with `cause`; all others, older ones too, complete with kFlushed.
// Nothing more is sent. Precondition: head <= index < tail.
void fail_request(EngineCore& core, QueuePair& qp, std::uint64_t index, Code cause);

// The peer's request can not be served: answers it with a NAK for `psn`, behind the responses that
// are due before it, and ends the queue pair (IBTA 9.9.3: class C). Requests complete with
// kFlushed; `cause` is reported by poll_async.
void reject(EngineCore& core, QueuePair& qp, Psn psn, proto::NakCode nak, Code cause);

// The receive in use failed: completes it with `cause`, then as reject() at the expected PSN.
void fail_receive(EngineCore& core, QueuePair& qp, Code cause, proto::NakCode nak);

// Ends the queue pair with kRingCorrupt if one of its rings, or the completion queue, is beyond
// belief.
void give_up_corrupt_rings(EngineCore& core, QueuePair& qp);

}  // namespace mapwire::nic_fw
