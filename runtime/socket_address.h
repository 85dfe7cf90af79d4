// IP and UDP addresses as the socket calls take and give them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "mapwire/proto/address.h"

namespace mapwire {

// As small as both families allow: a batch holds one for each packet.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// Writes `address` to `out` and returns how many bytes of it count.
socklen_t to_socket_address(const proto::UdpAddress& address, SocketAddress& out);

// The address that the kernel wrote. Precondition: its family is AF_INET or AF_INET6.
proto::UdpAddress from_socket_address(const SocketAddress& address);

// Whether an address without its interface (scope_id) is ambiguous: fe80::/10.
bool is_link_local(const proto::IpAddress& address);

}  // namespace mapwire
