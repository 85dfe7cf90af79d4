#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;

// The responder's side: when acknowledgements leave.

TEST(Acknowledge, several_messages_have_one) {
  Pair pair;
  std::vector<std::byte> buffer(10);
  for (std::uint64_t i = 0; i < 5; ++i) {
    pair.post_b(receive_of(i, buffer));
    pair.post_a(send_of(i, kMessage));
  }
  pair.carry(pair.a, pair.b);
  const auto answers = pair.carry(pair.b, pair.a);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].psn(), (pair.qa.address.first_psn + 4) & proto::kPsnMask);
  EXPECT_EQ(answers[0].parsed().aeth.msn, 5U);
  EXPECT_EQ(pair.a.completions().size(), 5U);
}

TEST(Acknowledge, is_held_back_so_that_a_reply_overtakes_it) {
  Pair pair;
  std::vector<std::byte> buffer(10);
  pair.post_b(receive_of(1, buffer));
  pair.post_a(send_of(1, kMessage));
  pair.carry(pair.a, pair.b);

  EXPECT_FALSE(pair.b.engine.has_output(false));
  EXPECT_TRUE(pair.b.engine.has_output(true));
  EXPECT_TRUE(pair.b.transmit(pair.now_ns, false).empty());
  pair.qb.post(send_of(2, kMessage), pair.now_ns);
  const auto reply = pair.b.transmit(pair.now_ns, true);
  ASSERT_EQ(reply.size(), 2U);
  EXPECT_EQ(reply[0].opcode(), Opcode::kSendOnly);
  EXPECT_EQ(reply[1].opcode(), Opcode::kAcknowledge);
  EXPECT_FALSE(pair.b.engine.has_output(true));
}

TEST(Acknowledge, negative_ones_are_not_held_back) {
  HandMadePeer peer;
  peer.give(peer.packet(Opcode::kSendOnly, 1), kMessage);
  EXPECT_TRUE(peer.host.engine.has_output(false));
  EXPECT_EQ(peer.host.transmit(peer.now_ns, false).size(), 1U);
}

TEST(Acknowledge, none_is_sent_unless_asked_for) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  peer.post(receive_of(1, buffer));
  auto packet = peer.packet(Opcode::kSendOnly);
  packet.bth.ack_request = false;
  peer.give(packet, kMessage);
  EXPECT_EQ(peer.host.completions().size(), 1U);
  EXPECT_TRUE(peer.take().empty());
}

// The requester's side: what it makes of them.

TEST(Acknowledge, completes_everything_up_to_its_psn) {
  HandMadePeer peer;
  for (std::uint64_t i = 0; i < 4; ++i) peer.post(send_of(i, kMessage));
  peer.take();
  peer.give(peer.ack(2));
  expect_completions(peer.host, {{0, Code::kOk}, {1, Code::kOk}, {2, Code::kOk}});
}

TEST(Acknowledge, of_the_middle_of_a_message_completes_nothing_yet) {
  HandMadePeer peer{{.path_mtu = 256}};
  const auto message = test_bytes(1000);
  peer.post(send_of(1, message));
  EXPECT_EQ(peer.take().size(), 4U);
  peer.give(peer.ack(1));
  EXPECT_TRUE(peer.host.completions().empty());
  peer.give(peer.ack(3));
  expect_completions(peer.host, {{1, Code::kOk}});
}

TEST(Acknowledge, repeated_or_old_ones_have_no_effect) {
  HandMadePeer peer;
  for (std::uint64_t i = 0; i < 3; ++i) peer.post(send_of(i, kMessage));
  peer.take();
  peer.give(peer.ack(1));
  EXPECT_EQ(peer.host.completions().size(), 2U);
  peer.give(peer.ack(1));
  peer.give(peer.ack(0));
  EXPECT_TRUE(peer.host.completions().empty());
  EXPECT_TRUE(peer.take().empty());
}

TEST(Acknowledge, of_what_was_never_sent_is_ignored) {
  HandMadePeer peer;
  peer.post(send_of(1, kMessage));
  peer.give(peer.ack(0));  // posted, not sent
  EXPECT_TRUE(peer.host.completions().empty());
  peer.take();
  peer.give(peer.ack(1));
  peer.give(peer.ack(1000));
  EXPECT_TRUE(peer.host.completions().empty());
  peer.give(peer.ack(0));
  expect_completions(peer.host, {{1, Code::kOk}});
}

TEST(Acknowledge, long_messages_ask_for_some_on_their_way) {
  HandMadePeer peer{{.path_mtu = 256}};
  const auto message = test_bytes(256 * 1000);
  peer.post(send_of(1, message));
  const auto packets = peer.take();
  int asked = 0;
  for (const TestPacket& packet : packets) asked += packet.parsed().bth.ack_request ? 1 : 0;
  EXPECT_GE(asked, 2);
  EXPECT_LT(asked, static_cast<int>(packets.size()));
  EXPECT_TRUE(packets.back().parsed().bth.ack_request) << "the flight limit waits for it";
}

TEST(Acknowledge, solicited_messages_say_so_in_their_last_packet) {
  HandMadePeer peer{{.path_mtu = 256}};
  const auto message = test_bytes(500);
  auto descriptor = send_of(1, message);
  descriptor.flags = proto::kFlagSolicited;
  peer.post(descriptor);
  const auto packets = peer.take();
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_FALSE(packets[0].parsed().bth.solicited);
  EXPECT_TRUE(packets[1].parsed().bth.solicited);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
