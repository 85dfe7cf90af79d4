// Completions, and the end of a queue pair.
#pragma once

#include <cstdint>
#include <optional>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/code.h"

namespace mapwire::nic_fw {

// Completes the oldest send request. Precondition: there is one.
void complete_send(EngineCore& core, QueuePair& qp, Code status);

// Completes the receive of the message that is arriving. Precondition: responder.receive is set.
// `bytes` counts only if `status` is kOk.
void complete_receive(EngineCore& core, QueuePair& qp, proto::WorkOpcode opcode, Code status,
                      std::uint64_t bytes, std::optional<std::uint32_t> immediate);

}  // namespace mapwire::nic_fw
