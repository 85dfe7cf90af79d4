// The bytes that --verify sends: a function of direction, message number and position, so that an
// old, a misplaced or a reflected message is seen as well as a flipped bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mapwire::tools {

enum class Direction : std::uint8_t { kToServer = 1, kToClient = 2 };

// Fills `payload`. Its last byte is last_byte(sequence).
void fill_payload(std::span<std::byte> payload, Direction direction, std::uint64_t sequence);

// True if fill_payload() with the same arguments would write what is there.
[[nodiscard]] bool payload_matches(std::span<const std::byte> payload, Direction direction,
                                   std::uint64_t sequence);

// Differs between successive messages, so that a receiver that polls memory sees the next arrive.
constexpr std::byte last_byte(std::uint64_t sequence) {
  return static_cast<std::byte>(sequence & 0xff);
}

}  // namespace mapwire::tools
