#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;

TEST(QueuePairEnd, flush_completes_everything_with_its_reason_and_later_posts_as_flushed) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  peer.post(receive_of(10, buffer));
  peer.post(receive_of(11, buffer));
  peer.post(send_of(1, kMessage));
  peer.post(send_of(2, kMessage));
  peer.take();

  peer.host.engine.flush_queue_pair(peer.qp.qpn(), Code::kPeerDead);

  expect_completions(
      peer.host,
      {{1, Code::kPeerDead}, {2, Code::kPeerDead}, {10, Code::kPeerDead}, {11, Code::kPeerDead}});
  peer.post(send_of(3, kMessage));
  peer.post(receive_of(12, buffer));
  expect_completions(peer.host, {{3, Code::kFlushed}, {12, Code::kFlushed}});
  peer.host.engine.flush_queue_pair(peer.qp.qpn(), Code::kPeerDead);  // no effect
  EXPECT_TRUE(peer.host.completions().empty());
  EXPECT_TRUE(peer.host.async_events().empty()) << "who flushed it knows";
  EXPECT_EQ(peer.host.engine.next_deadline_ns() == UINT64_MAX, false) << "the old timer may run";
  peer.pass(10 * kSecond);
  EXPECT_TRUE(peer.host.completions().empty());
  EXPECT_EQ(peer.host.engine.next_deadline_ns(), UINT64_MAX);
}

TEST(QueuePairEnd, flush_before_connect_completes_what_was_posted) {
  Host host{1};
  TestQueuePair qp{host};
  std::vector<std::byte> buffer(10);
  qp.post(receive_of(1, buffer), kSecond);
  qp.post(send_of(2, kMessage), kSecond);
  EXPECT_TRUE(host.completions().empty());
  host.engine.flush_queue_pair(qp.qpn(), Code::kPeerDead);
  expect_completions(host, {{2, Code::kPeerDead}, {1, Code::kPeerDead}});
}

TEST(QueuePairEnd, flush_completes_the_receive_of_a_message_that_is_arriving) {
  HandMadePeer peer{{.path_mtu = 256}};
  std::vector<std::byte> buffer(1000);
  peer.post(receive_of(1, buffer));
  peer.give(peer.packet(Opcode::kSendFirst), test_bytes(256));
  peer.host.engine.flush_queue_pair(peer.qp.qpn(), Code::kPeerDead);
  expect_completions(peer.host, {{1, Code::kPeerDead}});
  EXPECT_TRUE(peer.take().empty());
}

TEST(QueuePairEnd, a_flushed_queue_pair_is_silent) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  peer.post(receive_of(1, buffer));
  peer.host.engine.flush_queue_pair(peer.qp.qpn(), Code::kPeerDead);
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  peer.give(peer.packet(Opcode::kSendMiddle), kMessage);
  EXPECT_TRUE(peer.take().empty());
}

TEST(QueuePairEnd, close_drops_what_is_outstanding_and_frees_its_room) {
  HandMadePeer peer{{.host = {.completion_entries = 128}}};
  std::vector<std::byte> buffer(10);
  for (int round = 0; round < 10; ++round) {
    TestQueuePair* qp = &peer.qp;
    std::optional<TestQueuePair> fresh;
    if (round > 0) {
      fresh.emplace(peer.host);
      qp = &*fresh;
      qp->connect(peer.address, 1024);
    }
    for (std::uint64_t i = 0; i < 64; ++i) {
      qp->post(receive_of(i, buffer), peer.now_ns);
      qp->post(send_of(i, kMessage), peer.now_ns);
    }
    peer.take();
    peer.host.engine.close_queue_pair(qp->qpn());
    EXPECT_TRUE(peer.host.completions().empty());
    peer.pass(10 * kSecond);
    EXPECT_TRUE(peer.take().empty());
  }
}

TEST(QueuePairEnd, close_leaves_completions_that_are_there) {
  HandMadePeer peer;
  peer.post(send_of(1, kMessage));
  peer.take();
  peer.give(peer.ack(0));
  peer.host.engine.close_queue_pair(peer.qp.qpn());
  expect_completions(peer.host, {{1, Code::kOk}});
}

TEST(QueuePairEnd, close_takes_back_an_event_that_was_not_reported) {
  HandMadePeer peer;
  peer.give(peer.packet(Opcode::kSendMiddle), kMessage);
  peer.host.engine.close_queue_pair(peer.qp.qpn());
  EXPECT_TRUE(peer.host.async_events().empty());
}

TEST(QueuePairEnd, a_bad_descriptor_fails_in_its_turn) {
  HandMadePeer peer;
  peer.post(send_of(1, kMessage));
  auto bad = send_of(2, kMessage);
  bad.reserved1 = 1;
  peer.post(bad);
  peer.post(send_of(3, kMessage));
  EXPECT_EQ(peer.take().size(), 1U);
  EXPECT_TRUE(peer.host.completions().empty());
  peer.give(peer.ack(0));
  expect_completions(peer.host,
                     {{1, Code::kOk}, {2, Code::kInvalidDescriptor}, {3, Code::kFlushed}});
}

TEST(QueuePairEnd, a_bad_descriptor_at_the_head_fails_at_once) {
  HandMadePeer peer;
  auto bad = send_of(1, kMessage);
  bad.sge[0].lkey = 99;
  peer.post(bad);
  expect_completions(peer.host, {{1, Code::kLocalProtection}});
}

TEST(QueuePairEnd, a_region_that_goes_before_its_bytes_were_sent_fails_the_request) {
  HandMadePeer peer;
  std::vector<std::byte> memory(10);
  const auto keys = *peer.host.engine.register_memory(memory, {}, 1);
  auto descriptor = send_of(1, memory);
  descriptor.sge[0].lkey = keys.lkey;
  peer.post(descriptor);
  peer.host.engine.deregister_memory(keys.lkey);
  EXPECT_TRUE(peer.take().empty());
  expect_completions(peer.host, {{1, Code::kLocalProtection}});
}

TEST(QueuePairEnd, a_bad_receive_fails_and_tells_the_sender) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  auto bad = receive_of(1, buffer);
  bad.sge[0].lkey = 99;
  peer.post(bad);
  peer.post(receive_of(2, buffer));
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  peer.expect_nak(proto::NakCode::kRemoteOperationalError);
  expect_completions(peer.host, {{1, Code::kLocalProtection}, {2, Code::kFlushed}});
}

TEST(QueuePairEnd, a_message_too_long_for_its_receive_ends_both_sides) {
  Pair pair;
  std::vector<std::byte> buffer(9);
  pair.post_b(receive_of(1, buffer));
  pair.post_a(send_of(2, kMessage));
  pair.run();
  expect_completions(pair.b, {{1, Code::kReceiveTooSmall}});
  expect_completions(pair.a, {{2, Code::kRemoteInvalidRequest}});
  EXPECT_EQ(pair.a.async_events().size(), 1U);
  EXPECT_EQ(pair.b.async_events().size(), 1U);
  EXPECT_EQ(pair.b.counters().queue_pair_errors.value(), 1U);
}

TEST(QueuePairEnd, answers_due_before_the_refused_request_still_leave) {
  HandMadePeer peer;
  std::vector<std::byte> source = test_bytes(100);
  const auto keys = *peer.host.engine.register_memory(source, {.remote_read = true}, 1);
  peer.give(peer.with_reth(Opcode::kReadRequest, 0,
                           {.address = address_of(source), .rkey = keys.rkey, .length = 100}));
  peer.give(peer.packet(Opcode::kSendMiddle, 1), kMessage);
  const auto answers = peer.take();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].opcode(), Opcode::kReadResponseOnly);
  EXPECT_EQ(answers[1].parsed().aeth.type, proto::AethType::kNak);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
