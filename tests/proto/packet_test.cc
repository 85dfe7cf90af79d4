#include "mapwire/proto/packet.h"

#include <array>
#include <cstddef>

#include <gtest/gtest.h>

namespace mapwire::proto {
namespace {

TEST(Packet, refuses_one_byte_less_than_the_smallest) {
  std::array<std::byte, 15> bytes{};
  EXPECT_EQ(parse_packet(bytes).error(), PacketError::kTruncated);
}

}  // namespace
}  // namespace mapwire::proto
