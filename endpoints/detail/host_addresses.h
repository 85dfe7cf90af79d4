// The addresses of this host, and which of them packets to a peer leave from.
#pragma once

#include <asio/ip/tcp.hpp>
#include <expected>
#include <vector>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// `addresses` with every address of this host in the place of a wildcard: a socket that speaks RoCE
// has one address. Errors: kSystemCall.
std::expected<std::vector<asio::ip::tcp::endpoint>, Error> spell_out(
    const std::vector<asio::ip::tcp::endpoint>& addresses);

// The address that the kernel's route to `remote` starts from. Errors: kSystemCall (no route).
std::expected<proto::IpAddress, Error> local_address_towards(const asio::ip::tcp::endpoint& remote);

}  // namespace mapwire::detail
