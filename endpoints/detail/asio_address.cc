#include "mapwire/endpoints/detail/asio_address.h"

#include <algorithm>

namespace mapwire::detail {

proto::IpAddress to_ip(const asio::ip::address& address) {
  proto::IpAddress ip;
  if (address.is_v6() && !address.to_v6().is_v4_mapped()) {
    const auto v6 = address.to_v6();
    ip.family = proto::IpFamily::kV6;
    ip.bytes = v6.to_bytes();
    ip.scope_id = static_cast<std::uint32_t>(v6.scope_id());
    return ip;
  }
  const auto v4 = address.is_v4() ? address.to_v4()
                                  : asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  std::ranges::copy(v4.to_bytes(), ip.bytes.begin());
  return ip;
}

proto::UdpAddress to_address(const asio::ip::tcp::endpoint& endpoint) {
  return {.ip = to_ip(endpoint.address()), .port = endpoint.port()};
}

}  // namespace mapwire::detail
