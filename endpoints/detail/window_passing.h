// What the exporter of a window hands over to an importer of its host by the socket between their
// NICs: memory to map, and the key of an export for one user. Whoever the kernel says is at the
// other end gets it, and not whoever asked over TCP and may have named another's socket: it could
// neither show who it is nor take what was passed (docs/security.md).
//
// Threads: any. At the exporter between connect() and post_probes(), at the importer when the
// probes are over.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// Passes the key, first of all, if the importer is a process of `user`. Errors: kPermission, those
// of make_memfd, kLimitReached (too much was passed to the peer already).
std::expected<void, Error> pass_key(Endpoint::Impl& endpoint, uid_t user, std::uint32_t rkey);
// Errors: kProtocolError (none was passed).
std::expected<std::uint32_t, Error> take_key(Endpoint::Impl& endpoint);

// Lets the importer map the pages, if the wire can.
void pass_pages(Endpoint::Impl& endpoint, const SharedPages& pages);
// Maps what was passed, if anything was.
void map_pages(Endpoint::Impl& endpoint, const WindowTerms& terms);

}  // namespace mapwire::detail
