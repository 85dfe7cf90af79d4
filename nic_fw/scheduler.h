// Whose packet goes out next: round robin between queue pairs, a quantum of bytes each (deficit
// round robin), so that a queue pair with long messages does not keep the wire to itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// Looks again at what `qp` has to send and which timer it needs. Called after everything that
// happened to it.
void reschedule(EngineCore& core, QueuePair& qp);

// Forgets a queue pair that is about to be freed.
void unschedule(EngineCore& core, const QueuePair& qp);

// Fill slots and return how many: with requests, responses and NAKs; with plain acknowledgements.
std::size_t transmit_data(EngineCore& core, std::span<TransmitSlot> slots);
std::size_t transmit_acknowledgements(EngineCore& core, std::span<TransmitSlot> slots);

}  // namespace mapwire::nic_fw
