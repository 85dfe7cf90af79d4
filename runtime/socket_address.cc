#include "mapwire/runtime/socket_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace mapwire {

socklen_t to_socket_address(const proto::UdpAddress& address, SocketAddress& out) {
  if (address.ip.family == proto::IpFamily::kV4) {
    out.v4 = {};
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port);
    std::memcpy(&out.v4.sin_addr, address.ip.bytes.data(), sizeof(out.v4.sin_addr));
    return sizeof(out.v4);
  }
  out.v6 = {};
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(address.port);
  std::memcpy(&out.v6.sin6_addr, address.ip.bytes.data(), sizeof(out.v6.sin6_addr));
  out.v6.sin6_scope_id = address.ip.scope_id;
  return sizeof(out.v6);
}

proto::UdpAddress from_socket_address(const SocketAddress& address) {
  proto::UdpAddress result;
  if (address.any.sa_family == AF_INET) {
    result.port = ntohs(address.v4.sin_port);
    std::memcpy(result.ip.bytes.data(), &address.v4.sin_addr, sizeof(address.v4.sin_addr));
    return result;
  }
  result.ip.family = proto::IpFamily::kV6;
  result.port = ntohs(address.v6.sin6_port);
  result.ip.scope_id = address.v6.sin6_scope_id;
  std::memcpy(result.ip.bytes.data(), &address.v6.sin6_addr, sizeof(address.v6.sin6_addr));
  return result;
}

bool is_link_local(const proto::IpAddress& address) {
  return address.family == proto::IpFamily::kV6 && address.bytes[0] == 0xfe &&
         (address.bytes[1] & 0xc0) == 0x80;
}

}  // namespace mapwire
