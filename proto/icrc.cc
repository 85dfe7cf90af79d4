#include "mapwire/proto/icrc.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "mapwire/proto/endian.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/packet.h"

namespace mapwire::proto {
namespace {

constexpr std::size_t kPacketBytesMin = sizeof(BthWire) + kIcrcBytes;
constexpr std::uint8_t kUdpProtocol = 17;
constexpr std::uint8_t kMaskedByte = 0xff;

// The headers below hold ones wherever a router may change a packet on its way (IBTA 7.8.1).

struct Ipv4Pseudo {
  std::uint8_t version_and_length = 0x45;
  std::uint8_t type_of_service = kMaskedByte;
  be16 total_length;
  be16 identification;
  be16 flags_and_fragment = std::uint16_t{0x4000};  // DF
  std::uint8_t time_to_live = kMaskedByte;
  std::uint8_t protocol = kUdpProtocol;
  be16 checksum = std::uint16_t{0xffff};
  std::array<std::uint8_t, 4> source;
  std::array<std::uint8_t, 4> destination;
};
static_assert(WireStruct<Ipv4Pseudo> && sizeof(Ipv4Pseudo) == 20);

struct Ipv6Pseudo {
  be32 version_class_flow = 0x6fff'ffffU;
  be16 payload_length;
  std::uint8_t next_header = kUdpProtocol;
  std::uint8_t hop_limit = kMaskedByte;
  std::array<std::uint8_t, 16> source;
  std::array<std::uint8_t, 16> destination;
};
static_assert(WireStruct<Ipv6Pseudo> && sizeof(Ipv6Pseudo) == 40);

struct UdpPseudo {
  be16 source_port;
  be16 destination_port;
  be16 length;
  be16 checksum = std::uint16_t{0xffff};
};
static_assert(WireStruct<UdpPseudo> && sizeof(UdpPseudo) == 8);

// What the ICRC covers ahead of the extension headers. The leading ones stand for InfiniBand's
// local route header, which RoCEv2 has not.
template <WireStruct Ip>
struct Prefix {
  be64 local_route_header = ~std::uint64_t{0};
  Ip ip;
  UdpPseudo udp;
  BthWire bth;
};

Ipv4Pseudo ipv4(const Flow& flow, std::uint16_t identification, std::uint16_t udp_bytes) {
  Ipv4Pseudo ip{.total_length = static_cast<std::uint16_t>(sizeof(Ipv4Pseudo) + udp_bytes),
                .identification = identification,
                .source = {},
                .destination = {}};
  std::copy_n(flow.source.ip.bytes.begin(), ip.source.size(), ip.source.begin());
  std::copy_n(flow.destination.ip.bytes.begin(), ip.destination.size(), ip.destination.begin());
  return ip;
}

Ipv6Pseudo ipv6(const Flow& flow, std::uint16_t udp_bytes) {
  return {.payload_length = udp_bytes,
          .source = flow.source.ip.bytes,
          .destination = flow.destination.ip.bytes};
}

// CRC-32 of Ethernet; `crc` is that of the bytes before.
std::uint32_t extend_crc(std::uint32_t crc, std::span<const std::byte> bytes) {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

template <WireStruct Ip>
std::uint32_t prefix_crc(const Ip& ip, const UdpPseudo& udp, const BthWire& bth) {
  const Prefix<Ip> prefix{.ip = ip, .udp = udp, .bth = bth};
  static_assert(WireStruct<Prefix<Ip>>);
  return extend_crc(0, std::as_bytes(std::span{&prefix, 1}));
}

}  // namespace

std::uint32_t stored_icrc(std::span<const std::byte> packet) {
  std::uint32_t icrc = 0;
  std::memcpy(&icrc, packet.last<kIcrcBytes>().data(), kIcrcBytes);  // little-endian
  return icrc;
}

std::uint32_t compute_icrc(const Flow& flow, std::uint16_t ip_identification,
                           std::span<const std::byte> packet) {
  const auto udp_bytes = static_cast<std::uint16_t>(sizeof(UdpPseudo) + packet.size());
  const UdpPseudo udp{.source_port = flow.source.port,
                      .destination_port = flow.destination.port,
                      .length = udp_bytes};
  auto bth = load<BthWire>(packet);
  bth.resv8a = kMaskedByte;  // routers set FECN and BECN
  const std::uint32_t crc = flow.source.ip.family == IpFamily::kV6
                                ? prefix_crc(ipv6(flow, udp_bytes), udp, bth)
                                : prefix_crc(ipv4(flow, ip_identification, udp_bytes), udp, bth);
  return extend_crc(crc, packet.first(packet.size() - kIcrcBytes).subspan(sizeof(BthWire)));
}

void seal(const Flow& flow, std::uint16_t ip_identification, std::span<std::byte> packet) {
  const std::uint32_t icrc = compute_icrc(flow, ip_identification, packet);
  std::memcpy(packet.last<kIcrcBytes>().data(), &icrc, kIcrcBytes);
}

bool verify_icrc(const Flow& flow, std::uint16_t ip_identification,
                 std::span<const std::byte> packet) {
  if (packet.size() < kPacketBytesMin) return false;
  return compute_icrc(flow, ip_identification, packet) == stored_icrc(packet);
}

}  // namespace mapwire::proto
