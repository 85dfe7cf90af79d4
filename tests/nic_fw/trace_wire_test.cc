#include "mapwire/nic_fw/trace_wire.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/wire_test_support.h"

namespace mapwire::nic_fw {
namespace {

using proto::Opcode;

const proto::Flow kFlow{v4_address(1), v4_address(2)};
const std::string kPrefix = "0.001234567 > 192.0.2.1:4791 192.0.2.2:4791 ";

std::string sent_line(const OwnedPacket& packet) {
  return trace_line(Direction::kSent, packet.view(), 1'234'567);
}

TEST(TraceLine, of_a_write_tells_its_target) {
  auto headers = roce_headers(Opcode::kWriteFirst);
  headers.bth.ack_request = true;
  headers.reth = {.address = 0x1000, .rkey = 5, .length = 4096};
  EXPECT_EQ(sent_line(roce_packet(kFlow, headers, 1024)),
            kPrefix +
                "WRITE_FIRST qp=0x00abcd psn=0x000123 A va=0x1000 rkey=0x5 total=4096 "
                "payload=1024");
}

TEST(TraceLine, of_a_send_tells_flags_and_immediate) {
  auto headers = roce_headers(Opcode::kSendOnlyImmediate);
  headers.bth.solicited = true;
  headers.immediate = 0xcafe;
  EXPECT_EQ(sent_line(roce_packet(kFlow, headers, 5)),
            kPrefix + "SEND_ONLY_IMM qp=0x00abcd psn=0x000123 S imm=0xcafe payload=5");
}

TEST(TraceLine, of_an_acknowledgement_tells_its_meaning) {
  auto headers = roce_headers(Opcode::kAcknowledge);
  const std::string prefix = kPrefix + "ACKNOWLEDGE qp=0x00abcd psn=0x000123 ";
  headers.aeth = {.type = proto::AethType::kAck, .value = 31, .msn = 9};
  EXPECT_EQ(sent_line(roce_packet(kFlow, headers, 0)), prefix + "ACK(credits=31) msn=9");
  headers.aeth = {.type = proto::AethType::kRnrNak, .value = 14, .msn = 9};
  EXPECT_EQ(sent_line(roce_packet(kFlow, headers, 0)), prefix + "RNR(timer=14) msn=9");
  headers.aeth = {.type = proto::AethType::kNak, .value = 0, .msn = 9};
  EXPECT_EQ(sent_line(roce_packet(kFlow, headers, 0)), prefix + "NAK(sequence) msn=9");
}

TEST(TraceLine, of_atomics_tells_operands_and_result) {
  auto headers = roce_headers(Opcode::kCompareSwap);
  headers.atomic = {.address = 0x40, .rkey = 2, .swap_or_add = 3, .compare = 4};
  EXPECT_EQ(sent_line(roce_packet(kFlow, headers, 0)),
            kPrefix + "CMP_SWAP qp=0x00abcd psn=0x000123 va=0x40 rkey=0x2 operand=0x3 compare=0x4");
  auto answer = roce_headers(Opcode::kAtomicAcknowledge);
  answer.atomic_original = 0x11;
  EXPECT_EQ(sent_line(roce_packet(kFlow, answer, 0)),
            kPrefix +
                "ATOMIC_ACKNOWLEDGE qp=0x00abcd psn=0x000123 ACK(credits=31) msn=0 "
                "original=0x11");
}

TEST(TraceLine, names_a_packet_that_was_harmed) {
  auto packet = roce_packet(kFlow, roce_headers(Opcode::kSendOnly), 8);
  packet.bytes.back() ^= std::byte{1};
  EXPECT_TRUE(sent_line(packet).ends_with("payload=8 BAD_ICRC")) << sent_line(packet);
}

TEST(TraceLine, tells_the_identification_of_a_foreign_packet) {
  auto packet = roce_packet(kFlow, roce_headers(Opcode::kSendOnly), 8);
  proto::seal(kFlow, 77, packet.bytes);
  EXPECT_TRUE(sent_line(packet).ends_with("payload=8 ip_id=77")) << sent_line(packet);
}

TEST(TraceLine, says_why_a_packet_cannot_be_read) {
  EXPECT_EQ(sent_line(plain_packet(kFlow, 0, 3)), kPrefix + "truncated bytes=3");
}

TEST(TraceWire, tells_packets_in_both_directions_and_only_those_taken) {
  std::vector<OwnedPacket> sent;
  std::vector<std::string> lines;
  auto recorder = std::make_unique<RecordingWire>();
  recorder->sent = &sent;
  recorder->room = 1;
  recorder->incoming.push_back(
      roce_packet({v4_address(2), v4_address(1)}, roce_headers(Opcode::kAcknowledge), 0));
  auto wire = make_trace_wire(std::move(recorder),
                              [&](std::string_view line) { lines.emplace_back(line); });
  const auto packet = roce_packet(kFlow, roce_headers(Opcode::kSendOnly), 8);
  const std::array<WirePacket, 2> views{packet.view(), packet.view()};
  std::array<WirePacket, 4> packets;

  EXPECT_EQ(wire->send(views, 0), 1);
  EXPECT_EQ(wire->receive(packets, 1), 1);
  ASSERT_EQ(lines.size(), 2);
  EXPECT_TRUE(lines[0].starts_with("0.000000000 > 192.0.2.1:4791")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("0.000000001 < 192.0.2.2:4791")) << lines[1];
}

}  // namespace
}  // namespace mapwire::nic_fw
