#include "tools/payload.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace mapwire::tools {
namespace {

std::vector<std::byte> payload(std::size_t bytes, Direction direction, std::uint64_t sequence) {
  std::vector<std::byte> filled(bytes);
  fill_payload(filled, direction, sequence);
  return filled;
}

TEST(payload, matches_itself_at_every_length) {
  for (std::size_t bytes = 0; bytes < 70; ++bytes) {
    EXPECT_TRUE(payload_matches(payload(bytes, Direction::kToServer, 7), Direction::kToServer, 7));
  }
}

TEST(payload, every_flipped_bit_is_seen) {
  auto flipped = payload(21, Direction::kToClient, 3);
  for (std::byte& byte : flipped) {
    for (int bit = 0; bit < 8; ++bit) {
      byte ^= std::byte{1} << bit;
      EXPECT_FALSE(payload_matches(flipped, Direction::kToClient, 3));
      byte ^= std::byte{1} << bit;
    }
  }
}

TEST(payload, an_old_message_is_seen) {
  EXPECT_FALSE(payload_matches(payload(64, Direction::kToServer, 5), Direction::kToServer, 6));
  // Also if only its last byte could tell, and if the last byte can not.
  EXPECT_FALSE(payload_matches(payload(1, Direction::kToServer, 5), Direction::kToServer, 6));
  EXPECT_FALSE(payload_matches(payload(64, Direction::kToServer, 5), Direction::kToServer, 261));
}

TEST(payload, a_reflected_message_is_seen) {
  EXPECT_FALSE(payload_matches(payload(64, Direction::kToServer, 5), Direction::kToClient, 5));
}

TEST(payload, a_message_shifted_by_a_word_is_seen) {
  auto shifted = payload(64, Direction::kToServer, 5);
  std::copy(shifted.begin() + 8, shifted.begin() + 56, shifted.begin());
  EXPECT_FALSE(payload_matches(shifted, Direction::kToServer, 5));
}

TEST(payload, successive_last_bytes_differ) {
  for (std::uint64_t sequence = 1; sequence < 600; ++sequence) {
    EXPECT_NE(last_byte(sequence), last_byte(sequence - 1));
    EXPECT_EQ(payload(9, Direction::kToClient, sequence).back(), last_byte(sequence));
  }
}

}  // namespace
}  // namespace mapwire::tools
