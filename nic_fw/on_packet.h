// The gate: nothing of a packet is believed before it stands here.
#pragma once

#include <cstddef>
#include <span>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// Checks a packet (form, queue pair, source, partition, ICRC) and hands it to its handler. Returns
// the queue pair it acted on, or null if it was dropped and counted.
QueuePair* deliver(EngineCore& core, const proto::Flow& flow, std::span<const std::byte> bytes);

}  // namespace mapwire::nic_fw
