// IP addresses and ports as plain values, as they stand in packets, set-up messages and ICRCs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace mapwire::proto {

enum class IpFamily : std::uint8_t { kV4 = 4, kV6 = 6 };

// An IPv4 (first 4 of `bytes`, rest zero) or IPv6 address. `scope_id` is the interface index of a
// link-local IPv6 address and 0 otherwise; it is local to the host and never leaves it.
struct IpAddress {
  IpFamily family = IpFamily::kV4;
  std::array<std::uint8_t, 16> bytes{};
  std::uint32_t scope_id = 0;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct UdpAddress {
  IpAddress ip;
  std::uint16_t port = 0;  // host order
  friend bool operator==(const UdpAddress&, const UdpAddress&) = default;
};

// Where one packet comes from and goes to.
struct Flow {
  UdpAddress source;
  UdpAddress destination;
  friend bool operator==(const Flow&, const Flow&) = default;
};

// A port's GID in RoCEv2 (IBTA annex A17.4.1): its IPv6 address, or its IPv4 address as
// ::ffff:a.b.c.d.
using Gid = std::array<std::uint8_t, 16>;
Gid to_gid(const IpAddress& address);

// "192.0.2.1", "2001:db8::1", "fe80::1%3".
std::string to_string(const IpAddress& address);
// "192.0.2.1:4791", "[2001:db8::1]:4791".
std::string to_string(const UdpAddress& address);

}  // namespace mapwire::proto
