#include "mapwire/proto/opcode.h"

#include <cstdint>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

#include "mapwire/proto/packet.h"

namespace mapwire::proto {
namespace {

// IBTA 9.2.1, table 38, as text: opcode, name and length of all headers.
struct Row {
  Opcode opcode;
  std::uint8_t number;
  std::string_view name;
  std::size_t header_bytes;
};
constexpr Row kTable[]{
    {Opcode::kSendFirst, 0x00, "SEND_FIRST", 12},
    {Opcode::kSendMiddle, 0x01, "SEND_MIDDLE", 12},
    {Opcode::kSendLast, 0x02, "SEND_LAST", 12},
    {Opcode::kSendLastImmediate, 0x03, "SEND_LAST_IMM", 16},
    {Opcode::kSendOnly, 0x04, "SEND_ONLY", 12},
    {Opcode::kSendOnlyImmediate, 0x05, "SEND_ONLY_IMM", 16},
    {Opcode::kWriteFirst, 0x06, "WRITE_FIRST", 28},
    {Opcode::kWriteMiddle, 0x07, "WRITE_MIDDLE", 12},
    {Opcode::kWriteLast, 0x08, "WRITE_LAST", 12},
    {Opcode::kWriteLastImmediate, 0x09, "WRITE_LAST_IMM", 16},
    {Opcode::kWriteOnly, 0x0a, "WRITE_ONLY", 28},
    {Opcode::kWriteOnlyImmediate, 0x0b, "WRITE_ONLY_IMM", 32},
    {Opcode::kReadRequest, 0x0c, "READ_REQUEST", 28},
    {Opcode::kReadResponseFirst, 0x0d, "READ_RESPONSE_FIRST", 16},
    {Opcode::kReadResponseMiddle, 0x0e, "READ_RESPONSE_MIDDLE", 12},
    {Opcode::kReadResponseLast, 0x0f, "READ_RESPONSE_LAST", 16},
    {Opcode::kReadResponseOnly, 0x10, "READ_RESPONSE_ONLY", 16},
    {Opcode::kAcknowledge, 0x11, "ACKNOWLEDGE", 16},
    {Opcode::kAtomicAcknowledge, 0x12, "ATOMIC_ACKNOWLEDGE", 24},
    {Opcode::kCompareSwap, 0x13, "CMP_SWAP", 40},
    {Opcode::kFetchAdd, 0x14, "FETCH_ADD", 40},
    {Opcode::kUdSendOnly, 0x64, "UD_SEND_ONLY", 20},
};

TEST(Opcode, every_one_has_its_number_name_and_headers) {
  for (const Row& row : kTable) {
    EXPECT_EQ(static_cast<std::uint8_t>(row.opcode), row.number) << row.name;
    ASSERT_TRUE(opcode_traits(row.number).has_value()) << row.name;
    EXPECT_EQ(opcode_traits(row.number)->name, row.name);
    EXPECT_EQ(opcode_traits(row.opcode).name, row.name);
    EXPECT_EQ(header_bytes(row.opcode), row.header_bytes) << row.name;
    EXPECT_LE(header_bytes(row.opcode), kHeaderBytesMax);
  }
}

TEST(Opcode, all_other_bytes_are_unknown) {
  std::set<unsigned> known;
  for (const Row& row : kTable) known.insert(row.number);
  for (unsigned byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(opcode_traits(static_cast<std::uint8_t>(byte)).has_value(), known.contains(byte))
        << byte;
  }
}

TEST(Opcode, first_middle_last_and_only_follow_from_the_name) {
  for (const Row& row : kTable) {
    const OpcodeTraits& traits = opcode_traits(row.opcode);
    const bool middle = row.name.ends_with("_MIDDLE");
    const bool first_alone = row.name.ends_with("_FIRST");
    const bool last_alone = row.name.find("_LAST") != row.name.npos;
    EXPECT_EQ(traits.first, !middle && !last_alone) << row.name;
    EXPECT_EQ(traits.last, !middle && !first_alone) << row.name;
    EXPECT_EQ(traits.immediate, row.name.ends_with("_IMM")) << row.name;
  }
}

}  // namespace
}  // namespace mapwire::proto
