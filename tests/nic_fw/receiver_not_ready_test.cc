#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::AethType;
using proto::Opcode;

void expect_rnr_nak(const std::vector<TestPacket>& answers, std::uint32_t psn) {
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].parsed().aeth.type, AethType::kRnrNak);
  EXPECT_EQ(answers[0].psn(), psn);
}

TEST(ReceiverNotReady, says_so_on_every_attempt_and_drops_what_follows_in_silence) {
  HandMadePeer peer;
  for (int attempt = 0; attempt < 3; ++attempt) {
    peer.give(peer.packet(Opcode::kSendOnly, 0), kMessage);
    expect_rnr_nak(peer.take(), peer.address.first_psn);
    peer.give(peer.packet(Opcode::kSendOnly, 1), kMessage);
    EXPECT_TRUE(peer.take().empty());
  }
  EXPECT_EQ(peer.host.counters().rnr_naks_sent.value(), 3U);
}

TEST(ReceiverNotReady, takes_the_message_when_a_receive_has_come) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  peer.take();
  peer.post(receive_of(1, buffer));
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  expect_completions(peer.host, {{1, Code::kOk}});
  EXPECT_EQ(peer.take()[0].parsed().aeth.type, AethType::kAck);
}

TEST(ReceiverNotReady, a_write_with_immediate_has_no_effect_until_there_is_a_receive) {
  HandMadePeer peer;
  std::vector<std::byte> target(10);
  const auto keys = *peer.host.engine.register_memory(target, {.remote_write = true}, 1);
  const auto write =
      peer.with_reth(Opcode::kWriteOnlyImmediate, 0,
                     {.address = address_of(target), .rkey = keys.rkey, .length = 10});
  peer.give(write, kMessage);
  expect_rnr_nak(peer.take(), peer.address.first_psn);
  EXPECT_EQ(target, std::vector<std::byte>(10));
  peer.post(receive_of(1, {}));
  peer.give(write, kMessage);
  expect_completions(peer.host, {{1, Code::kOk}});
  EXPECT_EQ(target, kMessage);
}

TEST(ReceiverNotReady, the_last_packet_of_a_long_write_with_immediate_may_have_to_wait) {
  HandMadePeer peer{{.path_mtu = 256}};
  std::vector<std::byte> target(266);
  const auto keys = *peer.host.engine.register_memory(target, {.remote_write = true}, 1);
  const auto message = test_bytes(266);
  peer.give(peer.with_reth(Opcode::kWriteFirst, 0,
                           {.address = address_of(target), .rkey = keys.rkey, .length = 266}),
            std::span{message}.first(256));
  peer.take();
  const auto last = peer.packet(Opcode::kWriteLastImmediate, 1);
  peer.give(last, std::span{message}.subspan(256));
  expect_rnr_nak(peer.take(), (peer.address.first_psn + 1) & proto::kPsnMask);
  peer.post(receive_of(1, {}));
  peer.give(last, std::span{message}.subspan(256));
  expect_completions(peer.host, {{1, Code::kOk}});
  EXPECT_EQ(target, message);
}

// The requester's side.

TEST(ReceiverNotReady, waits_as_long_as_it_is_told_and_repeats) {
  HandMadePeer peer;
  peer.post(send_of(0, kMessage));
  peer.post(send_of(1, kMessage));
  peer.take();
  peer.give(peer.rnr_nak(1, 20));  // 10.24 ms
  expect_completions(peer.host, {{0, Code::kOk}});
  EXPECT_TRUE(peer.take().empty());
  EXPECT_EQ(peer.host.engine.next_deadline_ns(), peer.now_ns + 10'240'000);
  peer.pass(10'239'999);
  EXPECT_TRUE(peer.take().empty());
  peer.pass(1);
  EXPECT_EQ(peer.take().size(), 1U);
  EXPECT_EQ(peer.host.counters().timeouts.value(), 0U);
}

TEST(ReceiverNotReady, gives_up_when_the_deadline_passed_without_progress) {
  HandMadePeer peer{{.queue_pair = {.rnr_deadline_ns = 100 * kMs}}};
  peer.post(send_of(1, kMessage));
  peer.post(send_of(2, kMessage));
  const std::uint64_t start_ns = peer.now_ns;
  std::vector<proto::CompletionEntry> completions;
  for (int i = 0; i < 100 && completions.empty(); ++i) {
    if (!peer.take().empty()) peer.give(peer.rnr_nak(0, 20));
    completions = peer.host.completions();
    peer.pass(10'240'000);
  }
  ASSERT_EQ(completions.size(), 2U);
  EXPECT_EQ(completions[0].status, std::to_underlying(Code::kRnrRetryExceeded));
  EXPECT_EQ(completions[1].status, std::to_underlying(Code::kFlushed));
  EXPECT_GE(peer.now_ns - start_ns, 100 * kMs);
  EXPECT_LE(peer.now_ns - start_ns, 130 * kMs);
}

TEST(ReceiverNotReady, a_long_wait_is_no_silence) {
  HandMadePeer peer{{.queue_pair = {.deadline_ns = 300 * kMs}}};
  peer.post(send_of(1, kMessage));
  peer.take();
  peer.give(peer.rnr_nak(0, 0));  // 655.36 ms
  peer.pass(655'360'000);
  EXPECT_EQ(peer.take().size(), 1U);
  peer.give(peer.ack(0));
  expect_completions(peer.host, {{1, Code::kOk}});
}

TEST(ReceiverNotReady, both_engines_get_through_once_a_receive_is_posted) {
  Pair pair;
  std::vector<std::byte> buffer(10);
  pair.post_a(send_of(1, kMessage));
  pair.run_for(50 * kMs);
  EXPECT_TRUE(pair.a.completions().empty());
  EXPECT_GE(pair.a.counters().rnr_naks_received.value(), 10U);
  pair.post_b(receive_of(2, buffer));
  pair.run_for(kMs);
  expect_completions(pair.a, {{1, Code::kOk}});
  expect_completions(pair.b, {{2, Code::kOk}});
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
