#include "mapwire/endpoints/detail/hello.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "mapwire/endpoints/detail/ip_bytes.h"
#include "mapwire/runtime/version.h"

namespace mapwire::detail {
namespace {

using proto::control::Hello;

std::unexpected<Error> refuse(Code code, std::string message) {
  return std::unexpected(Error::make(code, ErrorScope::kEndpoint, std::move(message)));
}

// An address as the peer says it, for people. The bytes may be anything.
std::string said(const std::string& ip, std::uint32_t port) {
  proto::UdpAddress address{.ip = {}, .port = static_cast<std::uint16_t>(port)};
  if (ip.size() == 16) address.ip.family = proto::IpFamily::kV6;
  if (ip.size() != 4 && ip.size() != 16) return "no address";
  ip.copy(reinterpret_cast<char*>(address.ip.bytes.data()), ip.size());
  return proto::to_string(address);
}

bool same_addresses(const Hello& hello, const LinkAddresses& ours) {
  return hello.local_address() == ip_bytes(ours.remote.ip) &&
         hello.local_port() == ours.remote.port &&
         hello.remote_address() == ip_bytes(ours.local.ip) &&
         hello.remote_port() == ours.local.port;
}

}  // namespace

proto::control::Message make_hello(const LinkAddresses& ours, const Introduction& introduction) {
  proto::control::Message message;
  Hello& hello = *message.mutable_hello();
  hello.set_magic(kHelloMagic);
  hello.set_protocol_version(kControlVersion);
  hello.set_mapwire_version(std::string{version()});
  hello.set_process_nonce(introduction.process_nonce);
  hello.set_nic(introduction.nic);
  hello.set_local_address(ip_bytes(ours.local.ip));
  hello.set_remote_address(ip_bytes(ours.remote.ip));
  hello.set_local_port(ours.local.port);
  hello.set_remote_port(ours.remote.port);
  return message;
}

std::expected<void, Error> check_hello(const proto::control::Message& message,
                                       const LinkAddresses& ours) {
  const std::string peer = proto::to_string(ours.remote);
  if (!message.has_hello() || message.hello().magic() != kHelloMagic) {
    return refuse(
        Code::kProtocolError,
        fmt::format("peer {}: did not begin as mapwire does; check address and port", peer));
  }
  const Hello& hello = message.hello();
  if (hello.protocol_version() != kControlVersion) {
    return refuse(Code::kVersionMismatch,
                  fmt::format("peer {}: speaks control protocol {} (mapwire {}), we speak {} "
                              "(mapwire {}); install the same version on both sides",
                              peer, hello.protocol_version(), hello.mapwire_version(),
                              kControlVersion, version()));
  }
  if (!same_addresses(hello, ours)) {
    return refuse(
        Code::kAddressTranslated,
        fmt::format("peer {}: says it is {} and reached {}, we are {}; an address translation "
                    "stands between, which RoCEv2 cannot cross; connect without it",
                    peer, said(hello.local_address(), hello.local_port()),
                    said(hello.remote_address(), hello.remote_port()),
                    proto::to_string(ours.local)));
  }
  return {};
}

}  // namespace mapwire::detail
