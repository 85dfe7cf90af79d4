// ICRC, the invariant CRC of a RoCEv2 packet: IBTA 1.4 section 7.8.1 and annex A17.3.3. It covers
// the IP and UDP headers with the fields that routers change masked to ones, so both ends must know
// the addresses, ports and (IPv4) the identification that the packet carries. Flags are DF, no
// options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mapwire/proto/address.h"

namespace mapwire::proto {

// The ICRC of the UDP payload `packet` less its last 4 bytes, where the ICRC itself stands, for a
// packet that travels along `flow` with IPv4 identification `ip_identification` (ignored for IPv6).
// Precondition: packet.size() >= 16 (BTH and ICRC).
std::uint32_t compute_icrc(const Flow& flow, std::uint16_t ip_identification,
                           std::span<const std::byte> packet);

// Computes the ICRC and stores it, little-endian, in the last 4 bytes of `packet`.
void seal(const Flow& flow, std::uint16_t ip_identification, std::span<std::byte> packet);

// The last 4 bytes of `packet`, where its ICRC stands, little-endian. Precondition: it has as many.
std::uint32_t stored_icrc(std::span<const std::byte> packet);

// Whether the last 4 bytes of `packet` are its ICRC under the given identification: 32 bits of
// proof. False also for packets shorter than 16 bytes.
bool verify_icrc(const Flow& flow, std::uint16_t ip_identification,
                 std::span<const std::byte> packet);

// What the ICRC of `packet`, which is sealed under identification 0, is under another one. CRC is
// linear, so this looks at the ICRC and the length alone, a step for each bit of the
// identification. To be stored little-endian. Precondition: IPv4, and a length that a RoCE packet
// can have: a multiple of 4 in 16..kPacketBytesMax.
std::uint32_t icrc_under(std::uint16_t identification, std::span<const std::byte> packet);

// For IPv4 packets of peers whose identification a UDP socket cannot see (the kernel's RoCE): finds
// the identification under which the ICRC holds, or nothing if there is none. CRC is linear, so
// this costs 32 steps if it is not 0. It proves 16 bits instead of 32, and more where the caller
// knows that few identifications are possible. For IPv6, which has no identification, returns 0 or
// nothing. A length that is no multiple of 4 or above kPacketBytesMax, which no RoCE packet has,
// gives nothing.
std::optional<std::uint16_t> solve_identification(const Flow& flow,
                                                  std::span<const std::byte> packet);

}  // namespace mapwire::proto
