// Completions, and the end of a queue pair.
#pragma once

#include <cstdint>
#include <optional>

#include "mapwire/nic_fw/shm/core.h"
#include "mapwire/nic_fw/shm/queue_pair.h"
#include "mapwire/proto/code.h"

namespace mapwire::nic_fw::shm {

// Completes the oldest send request. Precondition: there is one.
void complete_send(Core& core, QueuePair& qp, Code status);
// Completes the receive that was taken for the message that is arriving.
void complete_receive(Core& core, QueuePair& qp, proto::WorkOpcode opcode, Code status,
                      std::uint64_t bytes, std::optional<std::uint32_t> immediate);

// Moves the queue pair to error: everything outstanding completes with `reason`.
void flush(Core& core, QueuePair& qp, Code reason);
// The request `number` completes with `cause`, everything else with kFlushed. Reported by
// poll_async.
void fail_request(Core& core, QueuePair& qp, std::uint32_t number, Code cause);
// A request of the peer is refused, which it is told: kRemoteInvalidRequest, kRemoteAccess or
// kRemoteOperational. Everything here completes with kFlushed. Reported with the same code.
void refuse(Core& core, QueuePair& qp, std::uint32_t number, Code code);
// Likewise, because its receive failed with `cause`, which is reported.
void fail_receive(Core& core, QueuePair& qp, Code cause, Code code);

// The peer gets no more answers.
void drop_responses(QueuePair& qp);

}  // namespace mapwire::nic_fw::shm
