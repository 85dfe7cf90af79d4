// Addresses between Asio and proto/address.h.
#pragma once

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include "mapwire/proto/address.h"

namespace mapwire::detail {

// An IPv4 address mapped into IPv6 becomes the IPv4 address that it is.
proto::IpAddress to_ip(const asio::ip::address& address);
// Likewise; the port of a TCP endpoint in the place of the UDP port.
proto::UdpAddress to_address(const asio::ip::tcp::endpoint& endpoint);

}  // namespace mapwire::detail
