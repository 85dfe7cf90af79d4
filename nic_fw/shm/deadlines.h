// Requests that nobody carries out, or for which the peer has no receive, fail at their deadlines.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/shm/core.h"

namespace mapwire::nic_fw::shm {

// Looks at the queue pairs with requests under way; returns when to look again, UINT64_MAX: when
// something was posted. A wait begins when it is first seen here, so that posting reads no clock.
std::uint64_t check_deadlines(Core& core, std::uint64_t now_ns);

}  // namespace mapwire::nic_fw::shm
