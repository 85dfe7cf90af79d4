#include "mapwire/proto/cma_header.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace mapwire::proto {
namespace {

constexpr unsigned kIpVersionShift = 4;
constexpr std::size_t kV4Bytes = 4;

IpAddress decode_address(IpFamily family, const std::array<std::uint8_t, 16>& bytes) {
  IpAddress address{.family = family};
  if (family == IpFamily::kV6) {
    address.bytes = bytes;
  } else {
    std::copy(bytes.end() - kV4Bytes, bytes.end(), address.bytes.begin());
  }
  return address;
}

std::array<std::uint8_t, 16> encode_address(const IpAddress& address) {
  if (address.family == IpFamily::kV6) return address.bytes;
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(address.bytes.begin(), kV4Bytes, bytes.end() - kV4Bytes);
  return bytes;
}

}  // namespace

std::optional<CmaHeader> decode(const CmaHeaderWire& wire) {
  const unsigned ip_version = wire.ip_version >> kIpVersionShift;
  if (wire.version != 0 || (ip_version != 4 && ip_version != 6)) return std::nullopt;
  const IpFamily family = ip_version == 4 ? IpFamily::kV4 : IpFamily::kV6;
  return CmaHeader{.source = {.ip = decode_address(family, wire.source), .port = wire.source_port},
                   .destination = decode_address(family, wire.destination)};
}

CmaHeaderWire encode(const CmaHeader& header) {
  CmaHeaderWire wire;
  wire.ip_version =
      static_cast<std::uint8_t>(static_cast<unsigned>(header.source.ip.family) << kIpVersionShift);
  wire.source_port = header.source.port;
  wire.source = encode_address(header.source.ip);
  wire.destination = encode_address(header.destination);
  return wire;
}

}  // namespace mapwire::proto
