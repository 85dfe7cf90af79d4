// The header that librdmacm puts in front of the private data of a REQ: IBTA 1.4, annex A11 (RDMA
// IP CM service). It tells the IP addresses and the port by which the user thinks of the
// connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mapwire/proto/address.h"
#include "mapwire/proto/cm_wire.h"
#include "mapwire/proto/endian.h"

namespace mapwire::proto {

// The service that TCP-like port `port` has: IBTA A11.2.1.
constexpr std::uint64_t cma_service_id(std::uint16_t port) { return 0x0000'0000'0106'0000 | port; }
// The port of such a service; nothing for any other service.
constexpr std::optional<std::uint16_t> cma_port(std::uint64_t service_id) {
  if ((service_id & ~std::uint64_t{0xffff}) != cma_service_id(0)) return std::nullopt;
  return static_cast<std::uint16_t>(service_id);
}

struct CmaHeaderWire {
  std::uint8_t version = 0;     // major 0xf0, minor 0x0f: 0.0 is the only one
  std::uint8_t ip_version = 0;  // 0xf0
  be16 source_port;
  std::array<std::uint8_t, 16> source{};  // IPv4 in the last 4 bytes, behind zeros
  std::array<std::uint8_t, 16> destination{};
};
static_assert(WireStruct<CmaHeaderWire> && sizeof(CmaHeaderWire) == 36);
static_assert(offsetof(CmaHeaderWire, source) == 4 && offsetof(CmaHeaderWire, destination) == 20);

// What is left for the user of the private data of a REQ.
inline constexpr std::size_t kCmaPrivateBytes = 92 - sizeof(CmaHeaderWire);  // 56

struct CmaHeader {
  UdpAddress source;  // its port is the user's, not that of a packet
  IpAddress destination;
  friend bool operator==(const CmaHeader&, const CmaHeader&) = default;
};

// Nothing: of another version, or neither IPv4 nor IPv6 for both addresses.
std::optional<CmaHeader> decode(const CmaHeaderWire& wire);
// Precondition: both addresses are of one family.
CmaHeaderWire encode(const CmaHeader& header);

}  // namespace mapwire::proto
