// The last step of set-up: what the path carries, found out through the queue pair itself.
//
// Threads: see coroutine.h.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/link.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// Sends a small message and one of a full path MTU, and expects both from the peer, which does the
// same. Answers kOk, kPathBlocked (not even the small ones passed) or kMtuBlackHole (only they
// did).
asio::awaitable<Code> probe(asio::io_context& io, std::shared_ptr<Endpoint::Impl> endpoint);

// Probes, tells the peer the result, and hears the peer's. Both sides come to the same answer: an
// error if either side found one.
asio::awaitable<std::expected<void, Error>> agree_on_path(asio::io_context& io,
                                                          std::shared_ptr<Link> link,
                                                          std::uint32_t number,
                                                          std::shared_ptr<Endpoint::Impl> endpoint);

}  // namespace mapwire::detail
