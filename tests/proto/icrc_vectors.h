// Whole IP packets exchanged with the kernel's Soft-RoCE (rdma_rxe of Linux 6.1), captured on the
// wire.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mapwire/proto/address.h"
#include "tests/proto/hex.h"

namespace mapwire::test {

inline constexpr std::string_view kIpv4ToRxe =
    "450000380000400040112619 0a4d0001 0a4d0002 12b712b7002414d2 0570ffff0000002180010203"
    "cafef00d 48656c6c6f000000 974e2cff";
inline constexpr std::string_view kIpv4FromRxe =
    "45000030fa3a400040112be6 0a4d0002 0a4d0001 e4ee12b7001c0000 1100ffff00abc12300010203"
    "1f000001 ebeaaa5b";
inline constexpr std::string_view kIpv6ToRxe =
    "6009b18e00241140 fd770000000000000000000000000001 fd770000000000000000000000000002"
    "12b712b70024fb27 0570ffff0000002280010203 cafef00d 48656c6c6f000000 c6ddda76";
inline constexpr std::string_view kIpv6FromRxe =
    "60000000001c1140 fd770000000000000000000000000002 fd770000000000000000000000000001"
    "e7f412b7001c0000 1100ffff00abc12300010203 1f000001 e7a4df17";

// A captured IP packet taken apart.
struct CapturedPacket {
  proto::Flow flow;
  std::uint16_t identification = 0;
  std::vector<std::byte> payload;  // of UDP: BTH to ICRC
};

inline std::uint16_t number_at(std::span<const std::byte> bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[offset]) << 8 |
                                    std::to_integer<unsigned>(bytes[offset + 1]));
}

inline CapturedPacket capture(std::string_view hex) {
  const auto bytes = from_hex(hex);
  const bool v6 = std::to_integer<unsigned>(bytes[0]) >> 4 == 6;
  const std::size_t addresses = v6 ? 8 : 12;
  const std::size_t address_bytes = v6 ? 16 : 4;
  const std::size_t udp = v6 ? 40 : 20;
  auto address = [&](std::size_t offset) {
    proto::IpAddress ip{.family = v6 ? proto::IpFamily::kV6 : proto::IpFamily::kV4};
    std::transform(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                   bytes.begin() + static_cast<std::ptrdiff_t>(offset + address_bytes),
                   ip.bytes.begin(), [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    return ip;
  };
  CapturedPacket packet;
  packet.flow.source = {.ip = address(addresses), .port = number_at(bytes, udp)};
  packet.flow.destination = {.ip = address(addresses + address_bytes),
                             .port = number_at(bytes, udp + 2)};
  packet.identification = v6 ? 0 : number_at(bytes, 4);
  packet.payload.assign(bytes.begin() + static_cast<std::ptrdiff_t>(udp + 8), bytes.end());
  return packet;
}

}  // namespace mapwire::test
