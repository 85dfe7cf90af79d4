#include "mapwire/proto/packet.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/proto/hex.h"
#include "tests/proto/icrc_vectors.h"

namespace mapwire::proto {
namespace {

using test::from_hex;

constexpr std::array kOpcodes{
    Opcode::kSendFirst,          Opcode::kSendMiddle,        Opcode::kSendLast,
    Opcode::kSendLastImmediate,  Opcode::kSendOnly,          Opcode::kSendOnlyImmediate,
    Opcode::kWriteFirst,         Opcode::kWriteMiddle,       Opcode::kWriteLast,
    Opcode::kWriteLastImmediate, Opcode::kWriteOnly,         Opcode::kWriteOnlyImmediate,
    Opcode::kReadRequest,        Opcode::kReadResponseFirst, Opcode::kReadResponseMiddle,
    Opcode::kReadResponseLast,   Opcode::kReadResponseOnly,  Opcode::kAcknowledge,
    Opcode::kAtomicAcknowledge,  Opcode::kCompareSwap,       Opcode::kFetchAdd,
    Opcode::kUdSendOnly};

// A packet with random values in every field its opcode has, and the defaults elsewhere.
Packet random_packet(Opcode opcode, std::mt19937_64& random) {
  auto number = [&](unsigned bits) { return static_cast<std::uint32_t>(random() >> (64 - bits)); };
  Packet packet;
  packet.traits = opcode_traits(opcode);
  packet.bth = {.opcode = static_cast<std::uint8_t>(opcode),
                .solicited = number(1) == 1,
                .migration = number(1) == 1,
                .pkey = static_cast<std::uint16_t>(number(16)),
                .dest_qpn = number(24),
                .ack_request = number(1) == 1,
                .psn = number(24)};
  if (packet.traits.reth) {
    packet.reth = {.address = random(), .rkey = number(32), .length = number(32)};
  }
  if (packet.traits.aeth) {
    packet.aeth = {.type = static_cast<AethType>(number(2)),
                   .value = static_cast<std::uint8_t>(number(5)),
                   .msn = number(24)};
  }
  if (packet.traits.kind == PacketKind::kAtomic) {
    packet.atomic = {
        .address = random(), .rkey = number(32), .swap_or_add = random(), .compare = random()};
  }
  if (packet.traits.kind == PacketKind::kAtomicAcknowledge) packet.atomic_original = random();
  if (packet.traits.immediate) packet.immediate = number(32);
  if (packet.traits.kind == PacketKind::kDatagram) {
    packet.deth = {.qkey = number(32), .source_qpn = number(24)};
  }
  return packet;
}

void expect_equal(const Packet& read, const Packet& written) {
  Bth bth = read.bth;
  bth.pad_bytes = written.bth.pad_bytes;
  EXPECT_EQ(bth, written.bth);
  EXPECT_EQ(read.traits.name, written.traits.name);
  EXPECT_EQ(read.reth, written.reth);
  EXPECT_EQ(read.aeth, written.aeth);
  EXPECT_EQ(read.atomic, written.atomic);
  EXPECT_EQ(read.atomic_original, written.atomic_original);
  EXPECT_EQ(read.immediate, written.immediate);
  EXPECT_EQ(read.deth, written.deth);
}

TEST(Packet, what_is_written_is_read_back_for_every_opcode_and_pad) {
  std::mt19937_64 random{1};
  for (Opcode opcode : kOpcodes) {
    for (std::size_t length : {0UZ, 1UZ, 2UZ, 3UZ, 4UZ, 5UZ, 4096UZ}) {
      if (length != 0 && !opcode_traits(opcode).payload) continue;
      const Packet written = random_packet(opcode, random);
      // Bytes that are not zero show a pad that was not cleared.
      std::vector<std::byte> bytes(packet_bytes(opcode, length), std::byte{0xee});
      auto payload = write_packet(bytes, written, length);
      ASSERT_EQ(payload.size(), length);
      std::ranges::generate(payload, [&] { return static_cast<std::byte>(random()); });
      const auto read = parse_packet(bytes);
      ASSERT_TRUE(read.has_value()) << written.traits.name << ": " << name(read.error());
      expect_equal(*read, written);
      EXPECT_TRUE(std::ranges::equal(read->payload, payload));
      EXPECT_EQ(bytes.size() % 4, 0U);
      const auto pad = std::span{bytes}.subspan(header_bytes(opcode) + length, read->bth.pad_bytes);
      EXPECT_TRUE(std::ranges::all_of(pad, [](std::byte b) { return b == std::byte{0}; }));
    }
  }
}

TEST(Packet, one_captured_from_soft_roce_is_read) {
  const auto captured = test::capture(test::kIpv4FromRxe);
  const auto packet = parse_packet(captured.payload);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->opcode(), Opcode::kAcknowledge);
  EXPECT_EQ(packet->bth.dest_qpn, 0xabc123U);
  EXPECT_EQ(packet->bth.psn, 0x010203U);
  EXPECT_EQ(packet->aeth, (Aeth{.type = AethType::kAck, .value = kNoCreditLimit, .msn = 1}));
  EXPECT_TRUE(packet->payload.empty());
}

TEST(Packet, the_payload_excludes_pad_and_icrc) {
  const auto captured = test::capture(test::kIpv4ToRxe);
  const auto packet = parse_packet(captured.payload);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->opcode(), Opcode::kSendOnlyImmediate);
  EXPECT_TRUE(packet->bth.ack_request);
  EXPECT_EQ(packet->immediate, 0xcafef00dU);
  EXPECT_TRUE(std::ranges::equal(packet->payload, from_hex("48 65 6c 6c 6f")));  // "Hello"
}

TEST(Packet, every_length_too_short_for_its_headers_is_refused) {
  std::mt19937_64 random{2};
  for (Opcode opcode : kOpcodes) {
    std::vector<std::byte> bytes(packet_bytes(opcode, 0));
    write_packet(bytes, random_packet(opcode, random), 0);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const auto packet = parse_packet(std::span{bytes}.first(length));
      ASSERT_FALSE(packet.has_value()) << length;
      EXPECT_EQ(packet.error(), PacketError::kTruncated);
    }
  }
}

TEST(Packet, a_pad_longer_than_the_rest_is_refused) {
  for (const char* flags : {"10", "20", "30"}) {
    const auto bytes = from_hex(std::string{"04"} + flags + "ffff00000001 00000000 12345678");
    EXPECT_EQ(parse_packet(bytes).error(), PacketError::kTruncated) << flags;
  }
}

TEST(Packet, data_that_is_not_padded_to_words_is_refused) {
  const auto word = from_hex("0400ffff00000001 00000000 11223344 12345678");
  EXPECT_TRUE(parse_packet(word).has_value());
  for (std::size_t extra = 1; extra < 4; ++extra) {
    auto bytes = word;
    bytes.resize(word.size() + extra);
    EXPECT_EQ(parse_packet(bytes).error(), PacketError::kBadLength) << extra;
  }
}

TEST(Packet, data_behind_an_opcode_that_carries_none_is_refused) {
  std::mt19937_64 random{3};
  for (Opcode opcode : kOpcodes) {
    if (opcode_traits(opcode).payload) continue;
    std::vector<std::byte> bytes(packet_bytes(opcode, 4));
    write_packet(bytes, random_packet(opcode, random), 4);
    EXPECT_EQ(parse_packet(bytes).error(), PacketError::kBadLength);
  }
}

TEST(Packet, every_transport_version_but_0_is_refused) {
  for (unsigned version = 1; version < 16; ++version) {
    auto bytes = from_hex("0400ffff00000001 00000000 12345678");
    bytes[1] = static_cast<std::byte>(version);
    EXPECT_EQ(parse_packet(bytes).error(), PacketError::kBadVersion);
  }
}

TEST(Packet, unknown_opcodes_are_refused) {
  auto bytes = from_hex("0400ffff00000001 00000000 12345678");
  for (unsigned opcode : {0x15U, 0x20U, 0x63U, 0x65U, 0x81U, 0xffU}) {
    bytes[0] = static_cast<std::byte>(opcode);
    EXPECT_EQ(parse_packet(bytes).error(), PacketError::kUnknownOpcode) << opcode;
  }
}

TEST(Packet, the_longest_is_read_and_a_longer_one_refused) {
  std::vector<std::byte> bytes(kPacketBytesMax + 4);
  bytes[0] = static_cast<std::byte>(Opcode::kWriteOnlyImmediate);
  const auto packet = parse_packet(std::span{bytes}.first(kPacketBytesMax));
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->payload.size(), kPathMtuMax);
  EXPECT_EQ(parse_packet(bytes).error(), PacketError::kOversized);
}

TEST(Packet, random_bytes_are_read_inside_their_bounds_or_refused) {
  std::mt19937_64 random{4};
  for (unsigned i = 0; i < 100'000; ++i) {
    std::vector<std::byte> bytes(random() % 100);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    const auto packet = parse_packet(bytes);
    if (!packet) continue;
    EXPECT_LE(header_bytes(packet->opcode()) + packet->payload.size() + kIcrcBytes, bytes.size());
    EXPECT_EQ(packet_bytes(packet->opcode(), packet->payload.size()), bytes.size());
  }
}

}  // namespace
}  // namespace mapwire::proto
