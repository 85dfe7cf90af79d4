// Names and addresses to what TCP connects to and listens on.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <expected>
#include <vector>

#include "mapwire/endpoints/detail/address_parser.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// All addresses of the host, in the system's order of preference; an empty host is the loopback,
// IPv4 first. A numeric address needs no name server; a name is looked up in a thread of its own.
// Errors: kUnknownHost.
asio::awaitable<std::expected<std::vector<asio::ip::tcp::endpoint>, Error>> resolve(
    asio::io_context& io, HostPort address);

}  // namespace mapwire::detail
