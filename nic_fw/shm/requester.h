// The sending half of a queue pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/shm/core.h"
#include "mapwire/nic_fw/shm/queue_pair.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::nic_fw::shm {

// Takes a request over, for which its queue has room, and sends what the ring has room for.
void post(Core& core, QueuePair& qp, const proto::SendDescriptor& descriptor);

// Sends what the ring has room for, answers before requests; what is left is noted as ready.
void transmit(Core& core, QueuePair& qp);

// The peer has carried out the requests before `number`.
inline void on_acknowledged(Core& core, QueuePair& qp, std::uint32_t number);
// `payload` answers a READ or atomic.
void on_response(Core& core, QueuePair& qp, const Cell& cell, std::span<const std::byte> payload);
void on_not_ready(QueuePair& qp, std::uint32_t number);
void on_connected(Core& core, QueuePair& qp, bool asks_back);
void on_ready(Core& core, QueuePair& qp, std::uint32_t number);
void on_refused(Core& core, QueuePair& qp, std::uint32_t number, std::uint32_t code);

// Completes what is done, and fails the oldest if it was never good.
void settle(Core& core, QueuePair& qp);

void advance(Core& core, QueuePair& qp, std::uint32_t number);
inline void on_acknowledged(Core& core, QueuePair& qp, std::uint32_t number) {
  if (number != qp.requester.acknowledged) advance(core, qp, number);
}

}  // namespace mapwire::nic_fw::shm
