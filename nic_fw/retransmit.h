// Go-back-N (IBTA 9.7.3): when and from where the requester repeats itself.
#pragma once

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// A request packet goes out at requester.send_psn; `timed` if its acknowledgement tells a round
// trip. Starts the timers.
void note_sent(EngineCore& core, QueuePair& qp, bool timed);

// The peer acknowledged something: requester.unacknowledged_psn just rose from `before`. Restarts
// the timers, takes the round trip and opens the flight limit.
void note_progress(EngineCore& core, QueuePair& qp, Psn before, std::uint64_t in_flight_before);

// The peer says, or its answers show, that the packet at unacknowledged_psn was lost. Sends again
// from there, unless the news is older than the last time.
void recover_gap(EngineCore& core, QueuePair& qp);

// Sends again from unacknowledged_psn on.
void go_back(const EngineCore& core, QueuePair& qp);

// Runs what is due of the requester's timers at core.now_ns.
void on_requester_time(EngineCore& core, QueuePair& qp);

// When on_requester_time is to be called.
std::uint64_t requester_deadline_ns(const QueuePair& qp);

}  // namespace mapwire::nic_fw
