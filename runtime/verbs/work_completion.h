// Completions of libibverbs as mapwire's.
#pragma once

#include <infiniband/verbs.h>

#include "mapwire/proto/code.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/verbs/request_queue.h"

namespace mapwire::verbs {

// The status of a request that the device completed. Drivers differ in what they call a message
// that is too long for its receive: rxe says "queue pair operation", and "invalid request" if there
// is no element at all. Of a send "queue pair operation" is what rxe says when it cannot reach the
// peer, as its link is down. Memory is checked before posting, so none can mean anything else.
[[gnu::cold, gnu::noinline]] Code to_code(ibv_wc_status status, bool is_receive);

// The completion of `request` if it succeeded.
proto::CompletionEntry success(const Request& request, const ibv_wc& completion);
// The completion of `request` with a status that is none of success.
proto::CompletionEntry failure(const Request& request, std::uint32_t qpn, Code status);

}  // namespace mapwire::verbs
