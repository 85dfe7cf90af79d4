// RDMA READ, requester side: IBTA 9.4.4. A large READ goes out as several requests of bounded
// length, so that the responses fit into the flight limit and a lost one costs little. Their
// boundaries depend on the request alone: a repeated request never crosses from one original
// request into the next, which the responder would refuse.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"

namespace mapwire::nic_fw {

// One past the last PSN of the READ request that `psn` belongs to.
Psn read_request_end(const WorkRequest& request, std::uint32_t path_mtu, Psn psn);

// Messages the peer counts for a request of any kind: each READ request is one of its own.
std::uint64_t message_count(const WorkRequest& request, std::uint32_t path_mtu);

// Puts the READ request for [requester.send_psn, read_request_end()) into `slot`.
void put_read_request(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                      TransmitSlot& slot);

}  // namespace mapwire::nic_fw
