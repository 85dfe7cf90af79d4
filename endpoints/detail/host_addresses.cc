#include "mapwire/endpoints/detail/host_addresses.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <cerrno>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "mapwire/endpoints/detail/asio_address.h"

namespace mapwire::detail {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

std::optional<asio::ip::address> address_of(const sockaddr* socket_address, bool v6) {
  if (socket_address == nullptr || socket_address->sa_family != (v6 ? AF_INET6 : AF_INET)) {
    return std::nullopt;
  }
  if (!v6) {
    sockaddr_in in{};
    std::memcpy(&in, socket_address, sizeof(in));
    return asio::ip::address_v4{ntohl(in.sin_addr.s_addr)};
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, socket_address, sizeof(in6));
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
  return asio::ip::address_v6{bytes, in6.sin6_scope_id};
}

using Interfaces = std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)>;

std::expected<Interfaces, Error> interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) == 0) return Interfaces{first, &::freeifaddrs};
  return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, errno,
                                           "list of this host's addresses",
                                           "name one address instead of the wildcard"));
}

}  // namespace

std::expected<std::vector<tcp::endpoint>, Error> spell_out(
    const std::vector<tcp::endpoint>& addresses) {
  const auto list = interfaces();
  if (!list) return std::unexpected(list.error());
  std::vector<tcp::endpoint> result;
  for (const tcp::endpoint& address : addresses) {
    if (!address.address().is_unspecified()) {
      result.push_back(address);
      continue;
    }
    for (const ifaddrs* entry = list->get(); entry != nullptr; entry = entry->ifa_next) {
      const auto ip = address_of(entry->ifa_addr, address.address().is_v6());
      if (ip) result.emplace_back(*ip, address.port());
    }
  }
  return result;
}

std::expected<proto::IpAddress, Error> local_address_towards(const tcp::endpoint& remote) {
  asio::io_context io;
  asio::error_code failure;
  udp::socket socket{io};
  const udp::endpoint to{remote.address(), remote.port()};
  socket.open(to.protocol(), failure);
  if (!failure) socket.connect(to, failure);  // sends nothing
  const udp::endpoint from = failure ? udp::endpoint{} : socket.local_endpoint(failure);
  if (!failure) return to_ip(from.address());
  return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, failure.value(),
                                           "route to " + proto::to_string(to_ip(remote.address())),
                                           "check it with `ip route get`"));
}

}  // namespace mapwire::detail
