// The IP and UDP headers a packet travels with, for captures: a wire sees the UDP payload alone.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "mapwire/nic_fw/wire.h"

namespace mapwire::nic_fw {

inline constexpr std::size_t kIpUdpHeaderBytesMax = 48;  // IPv6 40, UDP 8

// Writes the IPv4 (RFC 791; DF) or IPv6 (RFC 8200) and UDP (RFC 768) headers of `packet` to the
// front of `out` and returns them. The identification is that under which the ICRC holds, so the
// one the packet came with, or 0 if there is none. The UDP checksum is 0 for IPv4 and real for
// IPv6. Precondition: packet.bytes.size() <= 65487.
std::span<const std::byte> write_ip_udp_headers(std::span<std::byte, kIpUdpHeaderBytesMax> out,
                                                const WirePacket& packet);

}  // namespace mapwire::nic_fw
