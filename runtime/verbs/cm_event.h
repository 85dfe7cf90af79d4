// What librdmacm tells, in the words of connection_manager.h.
#pragma once

#include <rdma/rdma_cma.h>

#include <expected>

#include "mapwire/runtime/connection_manager.h"

namespace mapwire::verbs {

// The event of a request or an answer, but for its id: addresses, the peer's queue pair, and the
// PSNs that the kernel has chosen. Otherwise the errno of the kernel, which has forgotten the
// connection meanwhile.
std::expected<CmEvent, int> describe_peer(const rdma_cm_event& event);

}  // namespace mapwire::verbs
