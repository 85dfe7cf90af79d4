// The steps of set-up that follow the request, on either side.
//
// Threads: see coroutine.h.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/link.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// A connection that is being made: `endpoint` is entered into `link` as `number`.
struct SetUp {
  std::shared_ptr<Link> link;
  std::uint32_t number = 0;
  std::shared_ptr<Endpoint::Impl> endpoint;
  std::shared_ptr<DataPath> path;
  // At the acceptor of an import.
  std::optional<WindowTerms> exported{};
  std::shared_ptr<const SharedPages> shared{};  // null: it is not to be mapped
  std::optional<uid_t> user{};                  // who alone may import it
};

// The request is out: awaits the reply, connects the queue pair, probes. The endpoint is the user's
// when it returns without error. Errors: those of Context::connect.
asio::awaitable<std::expected<void, Error>> finish_as_connector(asio::io_context& io, SetUp set_up,
                                                                std::uint64_t deadline_ns);

// The request came in with `offer`: connects the queue pair, replies, probes; likewise.
asio::awaitable<std::expected<void, Error>> finish_as_acceptor(asio::io_context& io, SetUp set_up,
                                                               Offer offer);

// Whether the NIC at the other end is of another make than the soft NIC, as the peer says.
PeerMake make_of(const Link& link);

Error too_many_connections(const Link& link);

}  // namespace mapwire::detail
