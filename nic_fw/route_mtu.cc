#include "mapwire/nic_fw/route_mtu.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>

#include <fmt/format.h>

#include "mapwire/proto/packet.h"
#include "mapwire/runtime/socket_address.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw {
namespace {

// Any port does: connecting a UDP socket sends nothing, it only looks up the route.
constexpr std::uint16_t kProbePort = 4791;

// The headers and ICRC around the data of a full packet.
constexpr std::size_t kOverheadBytes = proto::kPacketBytesMax - proto::kPathMtuMax;

std::size_t ip_and_udp_header_bytes(proto::IpFamily family) {
  return (family == proto::IpFamily::kV6 ? sizeof(ip6_hdr) : sizeof(ip)) + sizeof(udphdr);
}

bool bind_to(int fd, const proto::IpAddress& local) {
  SocketAddress address{};
  const socklen_t length = to_socket_address({.ip = local, .port = 0}, address);
  return ::bind(fd, &address.any, length) == 0;
}

bool connect_to(int fd, const proto::IpAddress& remote) {
  SocketAddress address{};
  const socklen_t length = to_socket_address({.ip = remote, .port = kProbePort}, address);
  return ::connect(fd, &address.any, length) == 0;
}

// The route's MTU of a connected socket; 0 with errno set if the kernel does not say.
std::size_t mtu_of(int fd, bool v6) {
  int mtu = 0;
  socklen_t length = sizeof(mtu);
  ::getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &length);
  return static_cast<std::size_t>(mtu);
}

}  // namespace

std::expected<std::size_t, Error> route_payload_bytes_max(const proto::IpAddress& local,
                                                          const proto::IpAddress& remote) {
  auto refuse = [&] {
    return std::unexpected(Error::from_errno(
        Code::kSystemCall, ErrorScope::kEndpoint, errno,
        fmt::format("route from {} to {}", to_string(local), to_string(remote)),
        "both must be of one family, and both link-local or neither; check with `ip route get`"));
  };
  // Packets name no interface but that of the local address, so both must be link-local or none.
  if (local.family != remote.family || is_link_local(local) != is_link_local(remote)) {
    errno = EAFNOSUPPORT;
    return refuse();
  }
  const bool v6 = local.family == proto::IpFamily::kV6;
  // A socket of its own: connecting would spoil the identification of the one that sends.
  const UniqueFd fd{::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd || !bind_to(fd.get(), local) || !connect_to(fd.get(), remote)) return refuse();
  const std::size_t mtu = mtu_of(fd.get(), v6);
  const std::size_t headers = ip_and_udp_header_bytes(local.family);
  if (mtu == 0) return refuse();
  return mtu > headers ? mtu - headers : 0;
}

std::expected<std::uint32_t, Error> path_mtu_for(std::size_t payload_bytes_max,
                                                 const proto::IpAddress& local,
                                                 const proto::IpAddress& remote) {
  for (std::size_t mtu = proto::kPathMtuMax; mtu >= proto::kPathMtuMin; mtu /= 2) {
    if (mtu + kOverheadBytes <= payload_bytes_max) return static_cast<std::uint32_t>(mtu);
  }
  const std::size_t headers = ip_and_udp_header_bytes(local.family);
  return std::unexpected(Error::make(
      Code::kMtuMismatch, ErrorScope::kEndpoint,
      fmt::format("route from {} to {}: its MTU of {} bytes is too small for RoCEv2, which needs "
                  "{}; raise the MTU of the interface (ip link set dev NAME mtu BYTES)",
                  to_string(local), to_string(remote), payload_bytes_max + headers,
                  proto::kPathMtuMin + kOverheadBytes + headers)));
}

}  // namespace mapwire::nic_fw
