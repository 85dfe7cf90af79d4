// What the IPv4 identification of a packet does to its ICRC, and which one it was. A CRC is the
// remainder of a polynomial over GF(2), so with s the difference between the ICRC of a packet and
// its ICRC under identification 0, and d the identification as a polynomial of degree < 16 that n
// covered bytes follow,
//   s = d * x^(8n + 32) mod P,   hence   d = s * x^-(8n + 32) mod P,
// and the packet is sound if and only if that d has degree < 16. P is the CRC-32 of Ethernet; bit
// 31 of a word is the coefficient of x^0, as in the reflected CRC itself.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "mapwire/proto/headers.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"

namespace mapwire::proto {
namespace {

constexpr std::uint32_t kPolynomial = 0xedb8'8320;  // P without x^32
constexpr std::uint32_t kOne = 0x8000'0000;         // x^0
constexpr std::size_t kWordBytes = 4;               // every RoCE packet is made of whole words

constexpr std::uint32_t times_x(std::uint32_t a) {
  return (a >> 1) ^ ((a & 1) != 0 ? kPolynomial : 0);
}

constexpr std::uint32_t over_x(std::uint32_t a) {
  return (a & kOne) != 0 ? ((a ^ kPolynomial) << 1) | 1 : a << 1;
}

constexpr std::uint32_t product(std::uint32_t a, std::uint32_t b) {
  std::uint32_t sum = 0;
  for (; b != 0; b <<= 1, a = times_x(a)) {
    if ((b & kOne) != 0) sum ^= a;
  }
  return sum;
}

using Powers = std::array<std::uint32_t, kPacketBytesMax / kWordBytes + 1>;

// x^(8n + 32), or its inverse, by packet length in words; `step` multiplies by x, or divides. Of a
// packet, n covered bytes follow the identification: 14 of the IP header, 8 of UDP, and all but the
// 4 of the ICRC.
template <class Step>
constexpr Powers make_powers(Step step) {
  Powers powers{};
  std::uint32_t power = kOne;
  for (std::size_t bit = 0; bit < 8 * (14 + 8 - kIcrcBytes) + 32; ++bit) power = step(power);
  for (std::uint32_t& entry : powers) {
    entry = power;
    for (std::size_t bit = 0; bit < 8 * kWordBytes; ++bit) power = step(power);
  }
  return powers;
}

constexpr Powers kPowers = make_powers(times_x);
constexpr Powers kInversePowers = make_powers(over_x);

}  // namespace

std::uint32_t icrc_under(std::uint16_t identification, std::span<const std::byte> packet) {
  // As below: x^0 is the lowest bit of the packet's order.
  const std::uint32_t d = std::uint32_t{__builtin_bswap16(identification)} << 16;
  return stored_icrc(packet) ^ product(kPowers[packet.size() / kWordBytes], d);
}

std::optional<std::uint16_t> solve_identification(const Flow& flow,
                                                  std::span<const std::byte> packet) {
  if (flow.source.ip.family == IpFamily::kV6) {
    return verify_icrc(flow, 0, packet) ? std::optional<std::uint16_t>{0} : std::nullopt;
  }
  const bool length_possible = packet.size() >= sizeof(BthWire) + kIcrcBytes &&
                               packet.size() <= kPacketBytesMax && packet.size() % kWordBytes == 0;
  if (!length_possible) return std::nullopt;
  const std::uint32_t difference = stored_icrc(packet) ^ compute_icrc(flow, 0, packet);
  if (difference == 0) return 0;  // as most have: spares the steps
  const std::uint32_t d = product(difference, kInversePowers[packet.size() / kWordBytes]);
  if ((d & 0xffff) != 0) return std::nullopt;
  // x^0 is the lowest bit of the packet's order: the highest bit of the second, low byte.
  return __builtin_bswap16(static_cast<std::uint16_t>(d >> 16));
}

}  // namespace mapwire::proto
