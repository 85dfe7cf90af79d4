// One RoCEv2 packet: the UDP payload, BTH | extension headers | data | pad | ICRC.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "mapwire/proto/headers.h"
#include "mapwire/proto/opcode.h"

namespace mapwire::proto {

inline constexpr std::size_t kIcrcBytes = 4;
// The longest header chain, BTH 12 and AtomicETH 28, which carries no data.
inline constexpr std::size_t kHeaderBytesMax = 40;
inline constexpr std::size_t kPathMtuMin = 256;
inline constexpr std::size_t kPathMtuMax = 4096;
constexpr bool is_path_mtu(std::uint32_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kPathMtuMin && bytes <= kPathMtuMax;
}
// A full packet of the largest path MTU: data never stands behind more than 32 bytes of headers
// (WRITE_ONLY with immediate: BTH 12, RETH 16, ImmDt 4), and a full payload needs no pad.
inline constexpr std::size_t kPacketBytesMax = 32 + kPathMtuMax + kIcrcBytes;

enum class PacketError : std::uint8_t {
  kTruncated,      // shorter than its headers, pad and ICRC
  kUnknownOpcode,  // not an opcode of opcode.h
  kBadVersion,     // transport version is not 0
  kOversized,      // longer than kPacketBytesMax
  kBadLength,      // data and pad are no whole words, or the opcode carries no data (IBTA 9.2.1)
};
std::string_view name(PacketError error);

// The decoded packet. Only the members that the opcode's traits announce are meaningful; the others
// hold zeros. `payload` points into the bytes that were parsed and excludes pad and ICRC.
struct Packet {
  Bth bth;
  OpcodeTraits traits{};
  Reth reth;
  Aeth aeth;
  AtomicEth atomic;
  std::uint64_t atomic_original = 0;
  std::uint32_t immediate = 0;
  Deth deth;
  std::span<const std::byte> payload;

  Opcode opcode() const { return static_cast<Opcode>(bth.opcode); }
};

// Decodes a packet. The ICRC is not checked here (see icrc.h). Never reads outside `bytes`.
std::expected<Packet, PacketError> parse_packet(std::span<const std::byte> bytes);

// Bytes of BTH and extension headers of `opcode`.
std::size_t header_bytes(Opcode opcode);

// Writes the headers of `packet` (by its opcode) to the front of `out`, sets the pad count from
// `payload_bytes`, zeroes the pad, and returns where the payload goes: header_bytes(opcode) in, of
// payload_bytes length. The caller fills it and then the ICRC, which ends the packet at
// packet_bytes(opcode, payload_bytes). Precondition: `out` is at least that long.
std::span<std::byte> write_packet(std::span<std::byte> out, const Packet& packet,
                                  std::size_t payload_bytes);

// Length of the whole packet, ICRC included.
std::size_t packet_bytes(Opcode opcode, std::size_t payload_bytes);

}  // namespace mapwire::proto
