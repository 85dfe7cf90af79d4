#include "mapwire/endpoints/route.h"

#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <expected>
#include <string_view>

#include "mapwire/endpoints/detail/address_parser.h"
#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/host_addresses.h"
#include "mapwire/endpoints/detail/resolver.h"
#include "mapwire/nic_fw/route_mtu.h"

namespace mapwire {
namespace {

using asio::ip::tcp;

constexpr std::uint16_t kAnyPort = 4791;  // a route is the same for all

std::expected<Route, Error> route_of(const tcp::endpoint& remote) {
  const auto local = detail::local_address_towards(remote);
  if (!local) return std::unexpected(local.error());
  Route route{.local = *local, .remote = detail::to_ip(remote.address())};
  const auto payload_bytes = nic_fw::route_payload_bytes_max(route.local, route.remote);
  if (!payload_bytes) return std::unexpected(payload_bytes.error());
  const auto path_mtu = nic_fw::path_mtu_for(*payload_bytes, route.local, route.remote);
  if (!path_mtu) return std::unexpected(path_mtu.error());
  route.path_mtu = *path_mtu;
  return route;
}

}  // namespace

std::expected<Route, Error> find_route(std::string_view address) {
  const auto parsed = detail::parse_address(address, kAnyPort);
  if (!parsed) return std::unexpected(parsed.error());
  const auto endpoints = detail::look_up(parsed->host_port);
  if (!endpoints) return std::unexpected(endpoints.error());
  std::expected<Route, Error> route = route_of(endpoints->front());
  for (const tcp::endpoint& endpoint : *endpoints) {
    if (route) break;
    route = route_of(endpoint);
  }
  return route;
}

}  // namespace mapwire
