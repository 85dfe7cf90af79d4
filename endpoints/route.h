// The route to a peer. It decides which NIC can carry a connection: a device serves the addresses
// of its own interface only.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

struct Route {
  proto::IpAddress local;  // what the kernel would send from
  proto::IpAddress remote;
  std::uint32_t path_mtu = 0;  // bytes, the largest that the route is known to carry, 256..4096
};

// The route to an address as Context::connect takes it, of several the first that has one. Sends
// nothing but what a name's look-up needs, for which it waits. Threads: any.
// Errors: kBadOption, kUnknownHost, kSystemCall (no route), kMtuMismatch (its packets are too
// small).
std::expected<Route, Error> find_route(std::string_view address);

}  // namespace mapwire
