// What the tests of the UDP wire share.
#pragma once

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/address.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::nic_fw {

// A generous bound on what arrives at once on an idle machine.
inline constexpr int kPatienceMs = 10'000;

inline proto::IpAddress ip(const std::string& text) {
  proto::IpAddress address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.family = proto::IpFamily::kV6;
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), address.bytes.data()), 1) << text;
  return address;
}

// A link-local address of this host, if it has one.
inline std::optional<proto::IpAddress> own_link_local() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return std::nullopt;
  std::optional<proto::IpAddress> found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET6) continue;
    SocketAddress raw{};
    raw.v6 = *reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
    const proto::IpAddress address = from_socket_address(raw).ip;
    if (is_link_local(address)) found = address;
  }
  freeifaddrs(all);
  return found;
}

inline std::vector<std::byte> pattern(std::size_t bytes, unsigned seed) {
  std::vector<std::byte> result(bytes);
  for (std::size_t i = 0; i < bytes; ++i) result[i] = static_cast<std::byte>(seed + i * 7);
  return result;
}

inline bool readable(int fd, int timeout_ms) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, timeout_ms) == 1;
}

struct ReceivedPacket {
  proto::Flow flow;
  std::vector<std::byte> bytes;
};

// Receives until `count` packets came or none comes for kPatienceMs.
inline std::vector<ReceivedPacket> receive_packets(Wire& wire, std::size_t count) {
  std::vector<ReceivedPacket> result;
  std::vector<WirePacket> batch(16);
  while (result.size() < count &&
         (wire.next_deadline_ns() == 0 || readable(wire.event_fd(), kPatienceMs))) {
    const std::size_t received = wire.receive(batch, 0);
    for (const WirePacket& packet : std::span{batch}.first(received)) {
      result.push_back({packet.flow, {packet.bytes.begin(), packet.bytes.end()}});
    }
  }
  return result;
}

}  // namespace mapwire::nic_fw
