#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::NakCode;
using proto::Opcode;

std::uint32_t psn_after(const HandMadePeer& peer, std::uint32_t ahead) {
  return (peer.qp.address.first_psn + ahead) & proto::kPsnMask;
}

TEST(Retransmit, a_sequence_nak_acknowledges_what_is_before_and_repeats_the_rest) {
  HandMadePeer peer;
  for (std::uint64_t i = 0; i < 4; ++i) peer.post(send_of(i, kMessage));
  EXPECT_EQ(peer.take().size(), 4U);

  peer.give(peer.nak(2, NakCode::kPsnSequenceError));

  expect_completions(peer.host, {{0, Code::kOk}, {1, Code::kOk}});
  const auto repeated = peer.take();
  ASSERT_EQ(repeated.size(), 2U);
  EXPECT_EQ(repeated[0].psn(), psn_after(peer, 2));
  EXPECT_EQ(repeated[1].psn(), psn_after(peer, 3));
  EXPECT_TRUE(repeated[0].parsed().bth.ack_request);
  EXPECT_EQ(peer.host.counters().retransmitted_packets.value(), 2U);
}

TEST(Retransmit, goes_back_into_the_middle_of_a_message) {
  HandMadePeer peer{{.path_mtu = 256}};
  const auto message = test_bytes(1000);
  peer.post(send_of(1, message));
  const auto sent = peer.take();
  peer.give(peer.nak(2, NakCode::kPsnSequenceError));
  const auto repeated = peer.take();
  ASSERT_EQ(repeated.size(), 2U);
  EXPECT_EQ(repeated[0].opcode(), Opcode::kSendMiddle);
  const auto again = repeated[0].parsed().payload;
  const auto original = sent[2].parsed().payload;
  EXPECT_TRUE(std::equal(again.begin(), again.end(), original.begin(), original.end()));
}

TEST(Retransmit, naks_of_the_past_and_of_the_future_are_ignored) {
  HandMadePeer peer;
  for (std::uint64_t i = 0; i < 3; ++i) peer.post(send_of(i, kMessage));
  peer.take();
  peer.give(peer.ack(1));
  peer.host.completions();
  peer.give(peer.nak(0, NakCode::kPsnSequenceError));
  peer.give(peer.nak(1, NakCode::kRemoteAccessError));
  peer.give(peer.nak(3, NakCode::kPsnSequenceError));
  peer.give(peer.nak(500, NakCode::kInvalidRequest));
  EXPECT_TRUE(peer.take().empty());
  EXPECT_TRUE(peer.host.completions().empty());
}

TEST(Retransmit, a_nak_that_can_not_answer_the_repetition_yet_is_ignored) {
  HandMadePeer peer;
  // A round trip of 10 ms is known.
  peer.post(send_of(0, kMessage));
  peer.take();
  peer.pass(10 * kMs);
  peer.give(peer.ack(0));
  peer.post(send_of(1, kMessage));
  peer.take();
  peer.give(peer.nak(1, NakCode::kPsnSequenceError));
  EXPECT_EQ(peer.take().size(), 1U);

  peer.pass(kMs);
  peer.give(peer.nak(1, NakCode::kPsnSequenceError));
  EXPECT_TRUE(peer.take().empty());
  peer.pass(9 * kMs);
  peer.give(peer.nak(1, NakCode::kPsnSequenceError));
  EXPECT_EQ(peer.take().size(), 1U);
}

TEST(Retransmit, repeats_after_a_silence_and_backs_off) {
  HandMadePeer peer;
  peer.post(send_of(1, kMessage));
  peer.take();
  std::vector<std::uint64_t> gaps_ns;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t start_ns = peer.now_ns;
    while (peer.take().empty()) peer.pass(peer.host.engine.next_deadline_ns() - peer.now_ns);
    gaps_ns.push_back(peer.now_ns - start_ns);
  }
  for (std::size_t i = 1; i < gaps_ns.size(); ++i) EXPECT_EQ(gaps_ns[i], 2 * gaps_ns[i - 1]);
  EXPECT_EQ(peer.host.counters().timeouts.value(), 4U);
}

TEST(Retransmit, gives_up_at_the_deadline_after_several_attempts) {
  HandMadePeer peer{{.queue_pair = {.deadline_ns = 2 * kSecond}}};
  const std::uint64_t start_ns = peer.now_ns;
  peer.post(send_of(1, kMessage));
  peer.post(send_of(2, kMessage));
  peer.take();
  std::vector<proto::CompletionEntry> completions;
  while (completions.empty()) {
    ASSERT_NE(peer.host.engine.next_deadline_ns(), UINT64_MAX);
    peer.pass(peer.host.engine.next_deadline_ns() - peer.now_ns);
    peer.take();
    completions = peer.host.completions();
  }
  EXPECT_EQ(peer.now_ns - start_ns, 2 * kSecond);
  EXPECT_GE(peer.host.counters().timeouts.value(), 8U);
  ASSERT_EQ(completions.size(), 2U);
  EXPECT_EQ(completions[0].status, std::to_underlying(Code::kRetryExceeded));
  EXPECT_EQ(completions[1].status, std::to_underlying(Code::kFlushed));
  const auto events = peer.host.async_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].code, Code::kRetryExceeded);
  EXPECT_EQ(events[0].qpn, peer.qp.qpn());
  EXPECT_TRUE(peer.host.async_events().empty());
}

TEST(Retransmit, progress_moves_the_deadline) {
  HandMadePeer peer{{.queue_pair = {.deadline_ns = kSecond}}};
  for (std::uint64_t i = 0; i < 3; ++i) peer.post(send_of(i, kMessage));
  peer.take();
  for (std::uint32_t i = 0; i < 3; ++i) {
    peer.pass(900 * kMs);
    peer.give(peer.ack(i));
  }
  expect_completions(peer.host, {{0, Code::kOk}, {1, Code::kOk}, {2, Code::kOk}});
}

TEST(Retransmit, an_idle_queue_pair_has_no_deadline) {
  HandMadePeer peer;
  peer.post(send_of(0, kMessage));
  peer.take();
  peer.give(peer.ack(0));
  peer.pass(100 * kSecond);
  EXPECT_EQ(peer.host.engine.next_deadline_ns(), UINT64_MAX);
  peer.post(send_of(1, kMessage));
  EXPECT_EQ(peer.take().size(), 1U);
  peer.pass(kMs);
  EXPECT_EQ(peer.host.completions().size(), 1U);
}

TEST(Retransmit, answers_to_the_first_transmission_end_the_repetition) {
  HandMadePeer peer;
  for (std::uint64_t i = 0; i < 3; ++i) peer.post(send_of(i, kMessage));
  peer.take();
  peer.pass(100 * kMs);  // times out; nothing is repeated yet
  peer.give(peer.ack(1));
  const auto repeated = peer.take();
  ASSERT_EQ(repeated.size(), 1U);
  EXPECT_EQ(repeated[0].psn(), psn_after(peer, 2));
}

TEST(Retransmit, a_flight_is_limited) {
  HandMadePeer peer;
  const auto message = test_bytes(1'000'000);
  peer.post(send_of(1, message));
  const std::size_t first = peer.take().size();
  EXPECT_EQ(first, 16U);
  peer.give(peer.ack(7));
  EXPECT_EQ(peer.take().size(), 16U) << "8 were acknowledged and the limit grew by 8";
}

// Go-back-N over both engines: each loss alone, of every packet of an exchange.
class LossOfOne : public ::testing::TestWithParam<int> {};

TEST_P(LossOfOne, is_recovered) {
  Pair pair{{.path_mtu = 256}};
  const auto message = test_bytes(1500);
  std::vector<std::byte> target(1500);
  std::vector<std::byte> received(1500);
  std::vector<std::byte> fetched(1500);
  const auto keys =
      *pair.b.engine.register_memory(target, {.remote_read = true, .remote_write = true}, 1);
  pair.post_b(receive_of(10, received));
  using enum proto::WorkOpcode;
  pair.post_a(remote_of(0, kWrite, message, address_of(target), keys.rkey));
  pair.post_a(send_of(1, message));
  pair.post_a(remote_of(2, kRead, fetched, address_of(target), keys.rkey));

  int packets = 0;
  pair.run_for(kSecond, [&](const TestPacket&) { return packets++ != GetParam(); });

  expect_completions(pair.a, {{0, Code::kOk}, {1, Code::kOk}, {2, Code::kOk}});
  expect_completions(pair.b, {{10, Code::kOk}});
  EXPECT_EQ(received, message);
  EXPECT_EQ(target, message);
  EXPECT_EQ(fetched, message);
}

INSTANTIATE_TEST_SUITE_P(Retransmit, LossOfOne, testing::Range(0, 22));

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
