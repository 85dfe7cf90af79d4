#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/credit_code.h"
#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;

void post_sends(HandMadePeer& peer, std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t i = first; i < end; ++i) peer.post(send_of(i, kMessage));
}

TEST(Credit, an_acknowledgement_promises_the_receives_that_are_posted) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  for (std::uint64_t i = 0; i < 5; ++i) peer.post(receive_of(i, buffer));
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  const auto answers = peer.take();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].parsed().aeth.value, credit_code(4));
}

TEST(Credit, the_message_that_is_arriving_has_its_receive) {
  HandMadePeer peer{{.path_mtu = 256}};
  std::vector<std::byte> buffer(1000);
  peer.post(receive_of(1, buffer));
  peer.give(peer.packet(Opcode::kSendFirst), test_bytes(256));
  const auto answers = peer.take();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].parsed().aeth.msn, 0U);
  EXPECT_EQ(answers[0].parsed().aeth.value, credit_code(1));
}

TEST(Credit, receives_are_announced_to_a_peer_that_was_told_there_are_none) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  peer.post(receive_of(0, buffer));
  EXPECT_TRUE(peer.take().empty());
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  EXPECT_EQ(peer.take()[0].parsed().aeth.value, credit_code(0));
  peer.post(receive_of(1, buffer));
  const auto announced = peer.take();
  ASSERT_EQ(announced.size(), 1U);
  EXPECT_EQ(announced[0].parsed().aeth.value, credit_code(1));
  EXPECT_EQ(announced[0].psn(), peer.address.first_psn);
  peer.post(receive_of(2, buffer));
  EXPECT_TRUE(peer.take().empty());
}

// The requester's side.

TEST(Credit, messages_beyond_it_wait_but_for_one) {
  HandMadePeer peer;
  post_sends(peer, 0, 1);
  peer.take();
  peer.give(peer.ack(0, 1, credit_code(2)));  // messages 2 and 3 have receives
  post_sends(peer, 1, 10);
  EXPECT_EQ(peer.take().size(), 3U);
  EXPECT_EQ(peer.host.counters().credit_stalls.value(), 1U);

  peer.give(peer.ack(2, 3, credit_code(4)));  // 4 to 7
  EXPECT_EQ(peer.take().size(), 4U) << "4 is out already, and 8 goes beyond";
}

TEST(Credit, only_messages_that_take_a_receive_wait) {
  HandMadePeer peer;
  std::vector<std::byte> target(10);
  post_sends(peer, 0, 1);
  peer.take();
  peer.give(peer.ack(0, 1, credit_code(0)));
  for (std::uint64_t i = 0; i < 5; ++i) {
    peer.post(remote_of(i, proto::WorkOpcode::kWrite, kMessage, 0x1000, 1));
  }
  EXPECT_EQ(peer.take().size(), 5U);
}

TEST(Credit, a_message_whose_first_packet_was_taken_goes_on) {
  HandMadePeer peer{{.path_mtu = 256}};
  const auto message = test_bytes(1000);
  peer.post(send_of(0, kMessage));
  peer.take();
  peer.give(peer.ack(0, 1, credit_code(0)));
  peer.post(send_of(1, message));
  EXPECT_EQ(peer.take().size(), 1U);
  peer.give(peer.ack(1, 1, credit_code(0)));  // the receive was found; none is left
  EXPECT_EQ(peer.take().size(), 3U);
}

TEST(Credit, an_unsolicited_acknowledgement_opens_it) {
  HandMadePeer peer;
  post_sends(peer, 0, 1);
  peer.take();
  peer.give(peer.ack(0, 1, credit_code(0)));
  post_sends(peer, 1, 6);
  EXPECT_EQ(peer.take().size(), 1U);
  peer.give(peer.ack(0, 1, credit_code(4)));
  EXPECT_EQ(peer.take().size(), 4U);  // messages 3 to 5 of the 4, and one beyond
}

TEST(Credit, an_older_word_does_not_take_it_back) {
  HandMadePeer peer;
  post_sends(peer, 0, 2);
  peer.take();
  peer.give(peer.ack(1, 2, credit_code(8)));
  peer.give(peer.ack(1, 2, credit_code(0)));
  post_sends(peer, 2, 10);
  EXPECT_EQ(peer.take().size(), 8U);
}

TEST(Credit, no_limit_means_none) {
  HandMadePeer peer;
  post_sends(peer, 0, 1);
  peer.take();
  peer.give(peer.ack(0, 1, credit_code(0)));
  peer.give(peer.ack(0, 1, proto::kNoCreditLimit));
  post_sends(peer, 1, 11);
  EXPECT_EQ(peer.take().size(), 10U);
}

TEST(Credit, a_lost_announcement_does_not_stop_the_sender_for_ever) {
  Pair pair;
  std::vector<std::byte> buffer(10);
  pair.post_b(receive_of(0, buffer));
  for (std::uint64_t i = 0; i < 5; ++i) pair.post_a(send_of(i, kMessage));
  pair.run_for(5 * kMs);
  EXPECT_EQ(pair.a.completions().size(), 1U);
  for (std::uint64_t i = 1; i < 5; ++i) pair.post_b(receive_of(i, buffer));
  pair.b.transmit(pair.now_ns);  // lost
  pair.run_for(20 * kMs);
  EXPECT_EQ(pair.a.completions().size(), 4U);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
