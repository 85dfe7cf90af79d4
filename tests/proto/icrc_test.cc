#include "mapwire/proto/icrc.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/packet.h"
#include "tests/proto/icrc_vectors.h"

namespace mapwire::proto {
namespace {

using test::capture;
using test::CapturedPacket;

constexpr std::array kVectors{test::kIpv4ToRxe, test::kIpv4FromRxe, test::kIpv6ToRxe,
                              test::kIpv6FromRxe};

void flip(std::vector<std::byte>& bytes, std::size_t bit) {
  bytes[bit / 8] ^= std::byte{1} << bit % 8;
}

std::vector<std::byte> random_bytes(std::mt19937_64& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST(Icrc, verifies_packets_captured_from_soft_roce) {
  for (std::string_view vector : kVectors) {
    const CapturedPacket packet = capture(vector);
    EXPECT_TRUE(verify_icrc(packet.flow, packet.identification, packet.payload)) << vector;
  }
}

TEST(Icrc, seal_makes_the_captured_icrc) {
  for (std::string_view vector : kVectors) {
    const CapturedPacket packet = capture(vector);
    auto payload = packet.payload;
    for (std::byte& byte : std::span{payload}.last<kIcrcBytes>()) byte = std::byte{0};
    seal(packet.flow, packet.identification, payload);
    EXPECT_EQ(payload, packet.payload) << vector;
  }
}

TEST(Icrc, every_flipped_bit_is_found_except_in_the_byte_that_routers_change) {
  constexpr std::size_t kMaskedByte = 4;  // FECN, BECN and reserved bits of the BTH
  for (std::string_view vector : kVectors) {
    const CapturedPacket packet = capture(vector);
    for (std::size_t bit = 0; bit < packet.payload.size() * 8; ++bit) {
      auto payload = packet.payload;
      flip(payload, bit);
      EXPECT_EQ(verify_icrc(packet.flow, packet.identification, payload), bit / 8 == kMaskedByte)
          << vector << " bit " << bit;
    }
  }
}

TEST(Icrc, covers_addresses_ports_and_the_identification) {
  const CapturedPacket packet = capture(test::kIpv4FromRxe);
  auto holds = [&](const Flow& flow, std::uint16_t identification) {
    return verify_icrc(flow, identification, packet.payload);
  };
  EXPECT_FALSE(holds(packet.flow, 0));
  Flow flow = packet.flow;
  flow.source.ip.bytes[3] = 3;
  EXPECT_FALSE(holds(flow, packet.identification));
  flow = packet.flow;
  flow.destination.ip.bytes[0] = 11;
  EXPECT_FALSE(holds(flow, packet.identification));
  flow = packet.flow;
  ++flow.source.port;
  EXPECT_FALSE(holds(flow, packet.identification));
  flow = packet.flow;
  ++flow.destination.port;
  EXPECT_FALSE(holds(flow, packet.identification));
}

TEST(Icrc, no_packet_shorter_than_bth_and_icrc_holds) {
  const CapturedPacket packet = capture(test::kIpv4ToRxe);
  for (std::size_t bytes = 0; bytes < 16; ++bytes) {
    EXPECT_FALSE(verify_icrc(packet.flow, 0, std::span{packet.payload}.first(bytes)));
    EXPECT_FALSE(solve_identification(packet.flow, std::span{packet.payload}.first(bytes)));
  }
}

TEST(Identification, that_of_a_packet_from_soft_roce_is_found) {
  const CapturedPacket packet = capture(test::kIpv4FromRxe);
  EXPECT_EQ(solve_identification(packet.flow, packet.payload), std::uint16_t{0xfa3a});
}

TEST(Identification, is_zero_for_ipv6_or_nothing) {
  CapturedPacket packet = capture(test::kIpv6FromRxe);
  EXPECT_EQ(solve_identification(packet.flow, packet.payload), std::uint16_t{0});
  flip(packet.payload, 99);
  EXPECT_EQ(solve_identification(packet.flow, packet.payload), std::nullopt);
}

TEST(Identification, every_one_is_found_at_every_packet_length) {
  std::mt19937_64 random{1};
  const Flow flow = capture(test::kIpv4ToRxe).flow;
  for (std::size_t bytes = 16; bytes <= kPacketBytesMax; bytes += 4) {
    auto packet = random_bytes(random, bytes);
    const auto identification = static_cast<std::uint16_t>(random());
    seal(flow, identification, packet);
    ASSERT_EQ(solve_identification(flow, packet), identification) << bytes << " bytes";
  }
}

TEST(Identification, all_65536_are_found) {
  std::mt19937_64 random{2};
  const Flow flow = capture(test::kIpv4ToRxe).flow;
  auto packet = random_bytes(random, 20);
  for (unsigned identification = 0; identification <= 0xffff; ++identification) {
    seal(flow, static_cast<std::uint16_t>(identification), packet);
    ASSERT_EQ(solve_identification(flow, packet), identification);
  }
}

TEST(Identification, another_one_changes_the_icrc_as_sealing_anew_does) {
  std::mt19937_64 random{4};
  const Flow flow = capture(test::kIpv4ToRxe).flow;
  for (std::size_t bytes = 16; bytes <= kPacketBytesMax; bytes += 4) {
    auto packet = random_bytes(random, bytes);
    seal(flow, 0, packet);
    const auto identification = static_cast<std::uint16_t>(random());
    ASSERT_EQ(icrc_under(identification, packet), compute_icrc(flow, identification, packet))
        << bytes << " bytes";
    ASSERT_EQ(icrc_under(0, packet), compute_icrc(flow, 0, packet)) << bytes << " bytes";
  }
}

// 16 of 32 bits are spent on the identification, so a random error passes once in 65536.
TEST(Identification, random_corruption_is_refused) {
  std::mt19937_64 random{3};
  const CapturedPacket packet = capture(test::kIpv4FromRxe);
  constexpr unsigned kTries = 200'000;
  unsigned accepted = 0;
  for (unsigned i = 0; i < kTries; ++i) {
    auto payload = packet.payload;
    for (std::byte& byte : std::span{payload}.subspan(12, 4))
      byte = static_cast<std::byte>(random());
    if (payload == packet.payload) continue;
    if (solve_identification(packet.flow, payload)) ++accepted;
  }
  EXPECT_LT(accepted, 15U);  // 3 are expected
}

TEST(Identification, lengths_that_no_roce_packet_has_are_refused) {
  const Flow flow = capture(test::kIpv4ToRxe).flow;
  for (std::size_t bytes : {std::size_t{17}, std::size_t{18}, std::size_t{19}, std::size_t{1023},
                            kPacketBytesMax + 4, std::size_t{65507}}) {
    std::vector<std::byte> packet(bytes);
    seal(flow, 0, packet);
    EXPECT_EQ(solve_identification(flow, packet), std::nullopt) << bytes;
  }
}

}  // namespace
}  // namespace mapwire::proto
