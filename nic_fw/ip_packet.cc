#include "mapwire/nic_fw/ip_packet.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/proto/address.h"
#include "mapwire/proto/endian.h"
#include "mapwire/proto/icrc.h"

namespace mapwire::nic_fw {
namespace {

using proto::be16;
using proto::be32;

constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::uint8_t kHops = 64;

struct Ipv4Header {
  std::uint8_t version_and_words = 0x45;
  std::uint8_t traffic_class = 0;
  be16 total_bytes;
  be16 identification;
  be16 fragment{0x4000};  // DF
  std::uint8_t hops = kHops;
  std::uint8_t protocol = kProtocolUdp;
  be16 checksum;
  std::array<std::uint8_t, 4> source{};
  std::array<std::uint8_t, 4> destination{};
};
static_assert(proto::WireStruct<Ipv4Header> && sizeof(Ipv4Header) == 20);

struct Ipv6Header {
  be32 version_class_flow{0x6000'0000};
  be16 payload_bytes;
  std::uint8_t next_header = kProtocolUdp;
  std::uint8_t hops = kHops;
  std::array<std::uint8_t, 16> source{};
  std::array<std::uint8_t, 16> destination{};
};
static_assert(proto::WireStruct<Ipv6Header> && sizeof(Ipv6Header) == 40);

struct UdpHeader {
  be16 source_port;
  be16 destination_port;
  be16 bytes;
  be16 checksum;
};
static_assert(proto::WireStruct<UdpHeader> && sizeof(UdpHeader) == 8);

// Adds `bytes` as big-endian 16-bit words, the last padded with zero: RFC 1071.
std::uint32_t add_words(std::uint32_t sum, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = std::to_integer<std::uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? value << 8 : value;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

template <proto::WireStruct T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span{&value, 1});
}

std::array<std::uint8_t, 4> v4_bytes(const proto::IpAddress& address) {
  std::array<std::uint8_t, 4> bytes{};
  std::copy_n(address.bytes.begin(), bytes.size(), bytes.begin());
  return bytes;
}

UdpHeader udp_header(const WirePacket& packet) {
  UdpHeader udp{};
  udp.source_port = packet.flow.source.port;
  udp.destination_port = packet.flow.destination.port;
  udp.bytes = static_cast<std::uint16_t>(sizeof(UdpHeader) + packet.bytes.size());
  return udp;
}

// RFC 8200 section 8.1: over a pseudo header, and never 0.
std::uint16_t udp_checksum_v6(const Ipv6Header& ip, const UdpHeader& udp,
                              std::span<const std::byte> payload) {
  std::uint32_t sum = add_words(kProtocolUdp, std::as_bytes(std::span{ip.source}));
  sum = add_words(sum, std::as_bytes(std::span{ip.destination}));
  sum = add_words(sum, bytes_of(udp.bytes));
  sum = add_words(sum, bytes_of(udp));
  sum = add_words(sum, payload);
  const auto checksum = static_cast<std::uint16_t>(~sum);
  return checksum == 0 ? 0xffff : checksum;
}

}  // namespace

std::span<const std::byte> write_ip_udp_headers(std::span<std::byte, kIpUdpHeaderBytesMax> out,
                                                const WirePacket& packet) {
  UdpHeader udp = udp_header(packet);
  if (packet.flow.source.ip.family == proto::IpFamily::kV4) {
    Ipv4Header ip{};
    ip.identification =
        proto::solve_identification(packet.flow, packet.bytes).value_or(std::uint16_t{0});
    ip.total_bytes = static_cast<std::uint16_t>(sizeof(ip) + udp.bytes);
    ip.source = v4_bytes(packet.flow.source.ip);
    ip.destination = v4_bytes(packet.flow.destination.ip);
    ip.checksum = static_cast<std::uint16_t>(~add_words(0, bytes_of(ip)));
    proto::store(std::span<std::byte>{out}, ip);
    proto::store(out.subspan(sizeof(ip)), udp);
    return out.first(sizeof(ip) + sizeof(udp));
  }
  Ipv6Header ip{};
  ip.payload_bytes = udp.bytes;
  ip.source = packet.flow.source.ip.bytes;
  ip.destination = packet.flow.destination.ip.bytes;
  udp.checksum = udp_checksum_v6(ip, udp, packet.bytes);
  proto::store(std::span<std::byte>{out}, ip);
  proto::store(out.subspan(sizeof(ip)), udp);
  return out.first(sizeof(ip) + sizeof(udp));
}

}  // namespace mapwire::nic_fw
