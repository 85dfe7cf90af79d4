// The receiving half of a queue pair.
#pragma once

#include <cstddef>
#include <span>

#include "mapwire/nic_fw/shm/core.h"
#include "mapwire/nic_fw/shm/queue_pair.h"

namespace mapwire::nic_fw::shm {

// A piece of a request of the peer has come. `payload` is read once.
void on_request(Core& core, QueuePair& qp, const Cell& cell, std::span<const std::byte> payload);

// A receive was posted; its queue has room for it.
void add_receive(Core& core, QueuePair& qp, const proto::ReceiveDescriptor& descriptor);

}  // namespace mapwire::nic_fw::shm
