#include "mapwire/proto/headers.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/endian.h"
#include "tests/proto/hex.h"

namespace mapwire::proto {
namespace {

template <WireStruct Wire>
std::vector<std::byte> bytes_of(const Wire& wire) {
  std::vector<std::byte> bytes(sizeof(Wire));
  store(bytes, wire);
  return bytes;
}

// The header with all bits clear but those of one field.
template <class Value, class Change>
std::vector<std::byte> encoded(Change change) {
  Value value{};
  change(value);
  return bytes_of(encode(value));
}

Bth blank_bth() { return {.opcode = 0, .pkey = 0}; }

template <class Change>
std::vector<std::byte> encoded_bth(Change change) {
  Bth bth = blank_bth();
  change(bth);
  return bytes_of(encode(bth));
}

using test::from_hex;

TEST(Bth, every_field_has_its_place) {
  EXPECT_EQ(encoded_bth([](Bth& b) { b.opcode = 0x64; }), from_hex("64000000 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.solicited = true; }),
            from_hex("00800000 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.migration = true; }),
            from_hex("00400000 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.pad_bytes = 3; }), from_hex("00300000 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.pad_bytes = 1; }), from_hex("00100000 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.transport_version = 0xf; }),
            from_hex("000f0000 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.pkey = 0x1234; }), from_hex("00001234 00000000 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.dest_qpn = 0xabcdef; }),
            from_hex("00000000 00abcdef 00000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.ack_request = true; }),
            from_hex("00000000 00000000 80000000"));
  EXPECT_EQ(encoded_bth([](Bth& b) { b.psn = 0x123456; }), from_hex("00000000 00000000 00123456"));
}

TEST(Reth, every_field_has_its_place) {
  EXPECT_EQ(encoded<Reth>([](Reth& r) { r.address = 0x0102030405060708; }),
            from_hex("01020304 05060708 00000000 00000000"));
  EXPECT_EQ(encoded<Reth>([](Reth& r) { r.rkey = 0x01020304; }),
            from_hex("00000000 00000000 01020304 00000000"));
  EXPECT_EQ(encoded<Reth>([](Reth& r) { r.length = 0x01020304; }),
            from_hex("00000000 00000000 00000000 01020304"));
}

TEST(Aeth, every_field_has_its_place) {
  auto blank = [](auto change) {
    Aeth aeth{.type = AethType::kAck, .value = 0, .msn = 0};
    change(aeth);
    return bytes_of(encode(aeth));
  };
  EXPECT_EQ(blank([](Aeth& a) { a.value = kNoCreditLimit; }), from_hex("1f000000"));
  EXPECT_EQ(blank([](Aeth& a) { a.type = AethType::kRnrNak; }), from_hex("20000000"));
  EXPECT_EQ(blank([](Aeth& a) { a.type = AethType::kReserved; }), from_hex("40000000"));
  EXPECT_EQ(blank([](Aeth& a) { a.type = AethType::kNak; }), from_hex("60000000"));
  EXPECT_EQ(blank([](Aeth& a) { a.msn = 0x123456; }), from_hex("00123456"));
}

TEST(AtomicEth, every_field_has_its_place) {
  EXPECT_EQ(encoded<AtomicEth>([](AtomicEth& a) { a.address = 0x0102030405060708; }),
            from_hex("01020304 05060708 00000000 00000000 00000000 00000000 00000000"));
  EXPECT_EQ(encoded<AtomicEth>([](AtomicEth& a) { a.rkey = 0x01020304; }),
            from_hex("00000000 00000000 01020304 00000000 00000000 00000000 00000000"));
  EXPECT_EQ(encoded<AtomicEth>([](AtomicEth& a) { a.swap_or_add = 0x0102030405060708; }),
            from_hex("00000000 00000000 00000000 01020304 05060708 00000000 00000000"));
  EXPECT_EQ(encoded<AtomicEth>([](AtomicEth& a) { a.compare = 0x0102030405060708; }),
            from_hex("00000000 00000000 00000000 00000000 00000000 01020304 05060708"));
}

TEST(Deth, every_field_has_its_place) {
  EXPECT_EQ(encoded<Deth>([](Deth& d) { d.qkey = 0x80010000; }), from_hex("80010000 00000000"));
  EXPECT_EQ(encoded<Deth>([](Deth& d) { d.source_qpn = 0x123456; }), from_hex("00000000 00123456"));
}

TEST(SingleNumberHeaders, are_big_endian) {
  EXPECT_EQ(bytes_of(ImmediateWire{0x01020304U}), from_hex("01020304"));
  EXPECT_EQ(bytes_of(AtomicAckWire{0x0102030405060708U}), from_hex("0102030405060708"));
}

// Sets each bit of a header in turn. Decoding and encoding again must give it back, unless the bit
// is reserved and so is read as nothing.
template <WireStruct Wire>
void expect_bits_kept(const std::vector<std::byte>& reserved) {
  for (std::size_t bit = 0; bit < sizeof(Wire) * 8; ++bit) {
    std::vector<std::byte> bytes(sizeof(Wire));
    bytes[bit / 8] = std::byte{1} << bit % 8;
    const auto again = bytes_of(encode(decode(load<Wire>(bytes))));
    const bool is_reserved = (reserved[bit / 8] & bytes[bit / 8]) != std::byte{0};
    EXPECT_EQ(again, is_reserved ? std::vector<std::byte>(sizeof(Wire)) : bytes) << "bit " << bit;
  }
}

TEST(Headers, every_bit_but_the_reserved_ones_survives_decoding_and_encoding) {
  expect_bits_kept<BthWire>(from_hex("00000000 ff000000 7f000000"));
  expect_bits_kept<RethWire>(from_hex("00000000 00000000 00000000 00000000"));
  expect_bits_kept<AethWire>(from_hex("80000000"));
  expect_bits_kept<AtomicEthWire>(
      from_hex("00000000 00000000 00000000 00000000 00000000 00000000 00000000"));
  expect_bits_kept<DethWire>(from_hex("00000000 ff000000"));
}

TEST(Headers, values_wider_than_their_field_are_cut_to_it) {
  Bth bth = blank_bth();
  bth.dest_qpn = 0xff123456;
  bth.psn = 0xff654321;
  bth.pad_bytes = 0xfe;
  bth.transport_version = 0xf0;
  EXPECT_EQ(bytes_of(encode(bth)), from_hex("00200000 00123456 00654321"));
  EXPECT_EQ(bytes_of(encode(Aeth{.value = 0xff, .msn = 0xff000001})), from_hex("1f000001"));
}

TEST(BigEndian, reads_what_was_assigned_at_every_width) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random();
    EXPECT_EQ(be16{static_cast<std::uint16_t>(value)}, static_cast<std::uint16_t>(value));
    EXPECT_EQ(be24{static_cast<std::uint32_t>(value)}, value & 0xff'ffff);
    EXPECT_EQ(be32{static_cast<std::uint32_t>(value)}, static_cast<std::uint32_t>(value));
    EXPECT_EQ(be64{value}, value);
  }
}

}  // namespace
}  // namespace mapwire::proto
