#include "mapwire/nic_fw/udp_socket.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "mapwire/proto/headers.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::nic_fw {
namespace {

// Room for the flight limits of many queue pairs. The kernel counts about twice a packet's bytes.
constexpr int kSocketBufferBytes = 8 << 20;

bool is_multicast(const proto::IpAddress& address) {
  return address.family == proto::IpFamily::kV4 ? (address.bytes[0] & 0xf0) == 0xe0
                                                : address.bytes[0] == 0xff;
}

bool is_unspecified(const proto::IpAddress& address) {
  return std::ranges::all_of(address.bytes, [](std::uint8_t byte) { return byte == 0; });
}

// Why no socket can be bound to `local`, or nothing.
const char* objection(const proto::IpAddress& local) {
  if (is_unspecified(local)) return "stands for all interfaces, and packets need one source";
  if (is_multicast(local)) return "is a multicast address";
  if (is_link_local(local) && local.scope_id == 0) return "is link-local and names no interface";
  return nullptr;
}

std::unexpected<Error> bind_error(int os_errno, const proto::UdpAddress& address) {
  const std::string object = "UDP address " + to_string(address);
  auto refuse = [&](Code code, const char* next_step) {
    return std::unexpected(
        Error::from_errno(code, ErrorScope::kDevice, os_errno, object, next_step));
  };
  switch (os_errno) {
    case EADDRINUSE:
      if (address.port == proto::kRocePort) {
        return refuse(
            Code::kRocePortInUse,
            "it belongs to the kernel's rdma_rxe, which takes it for all addresses of the "
            "network namespace (`rdma link`), or to another context or process (`ss -lunp "
            "sport = :4791`): use rxe's device there (MAPWIRE_NIC=verbs), give each context an "
            "address of its own, or connect without rdma://, which takes any port");
      }
      return refuse(Code::kAddressInUse,
                    "another program, or the kernel's rdma_rxe, owns the port: choose another one "
                    "(MAPWIRE_UDP_PORT=0 takes any that is free)");
    case EACCES:
      return refuse(Code::kPermission,
                    "choose a port above 1023 (MAPWIRE_UDP_PORT=0 takes any that is free)");
    case EADDRNOTAVAIL:
      return refuse(Code::kSystemCall,
                    "it is not an address of this host: choose one that `ip address` lists");
    default: return refuse(Code::kSystemCall, "check the address with `ip address`");
  }
}

// Refusal is no error: a kernel that lacks an option here works as if it were set, with less room,
// or without its gain; what was granted is asked for where it matters.
bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

void set_buffer_bytes(int fd, int forced_option, int option) {
  const int value = kSocketBufferBytes;
  if (::setsockopt(fd, SOL_SOCKET, forced_option, &value, sizeof(value)) == 0) return;
  set_option(fd, SOL_SOCKET, option, value);
}

std::size_t buffer_bytes(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof(value);
  ::getsockopt(fd, SOL_SOCKET, option, &value, &length);
  return static_cast<std::size_t>(value);
}

// Both options make the kernel refuse what does not fit the route (EMSGSIZE) instead of fragmenting
// it. IPv4 packets of an unconnected socket get identification 0 with it.
bool forbid_fragments(int fd, bool v6) {
  // NOLINTNEXTLINE(bugprone-branch-clone): two names, which happen to have the same value.
  const int value = v6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
  return ::setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
                      &value, sizeof(value)) == 0;
}

}  // namespace

// A segment size of 0 means none, so asking for it only tells whether the kernel knows it.
UdpSocket::UdpSocket(UniqueFd fd, const proto::UdpAddress& address, const UdpSocketOptions& options)
    : fd_{std::move(fd)},
      address_{address},
      segments_{options.segments && set_option(fd_.get(), IPPROTO_UDP, UDP_SEGMENT, 0)},
      merges_{options.merges && set_option(fd_.get(), IPPROTO_UDP, UDP_GRO, 1)} {}

std::expected<UdpSocket, Error> UdpSocket::open(const proto::IpAddress& local,
                                                const UdpSocketOptions& options) {
  if (const char* cause = objection(local)) {
    return std::unexpected(
        Error::make(Code::kInvalidArgument, ErrorScope::kDevice,
                    fmt::format("local address {} {}; choose one that `ip address` lists",
                                to_string(local), cause)));
  }
  const proto::UdpAddress wanted{.ip = local, .port = options.port};
  SocketAddress bound{};
  socklen_t length = to_socket_address(wanted, bound);
  const bool v6 = local.family == proto::IpFamily::kV6;
  UniqueFd fd{::socket(bound.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd || !forbid_fragments(fd.get(), v6)) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kDevice, errno,
                                             "UDP socket for " + to_string(local),
                                             "check the limit of open files (ulimit -n)"));
  }
  // The kernel's RoCE sends IPv6 without a UDP checksum; the ICRC does its work.
  if (v6) set_option(fd.get(), IPPROTO_UDP, UDP_NO_CHECK6_RX, 1);
  set_buffer_bytes(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer_bytes(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF);
  if (::bind(fd.get(), &bound.any, length) != 0) return bind_error(errno, wanted);
  if (::getsockname(fd.get(), &bound.any, &length) != 0) return bind_error(errno, wanted);
  return UdpSocket{std::move(fd), from_socket_address(bound), options};
}

std::size_t UdpSocket::receive_buffer_bytes() const { return buffer_bytes(fd(), SO_RCVBUF); }

std::size_t UdpSocket::send_buffer_bytes() const { return buffer_bytes(fd(), SO_SNDBUF); }

}  // namespace mapwire::nic_fw
