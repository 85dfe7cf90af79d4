// What fails fails alone, with its own status, and is reported once.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

class Failures : public Conformance {};

TEST_P(Failures, a_receive_that_is_too_small_fails_both_ends) {
  for (std::size_t room : {0U, 99U, 1023U, 4999U}) {
    SCOPED_TRACE(::testing::Message() << "room for " << room << " bytes");
    const std::size_t bytes = room == 99 ? 100 : 5000;
    const Connection connection = connect();
    Buffer source{nic(0), bytes};
    Buffer target{nic(1), bytes};
    source.fill(1);
    EXPECT_TRUE(post_receive(connection.right, receive_into(1, {target.sge(0, room)})));
    EXPECT_TRUE(post_receive(connection.right, receive_into(2, {target.sge()})));
    EXPECT_TRUE(post_send(connection.left, send_of(3, {source.sge()})));
    EXPECT_TRUE(post_send(connection.left, send_of(4, {source.sge()})));
    expect_completion(connection.right, 1, Code::kReceiveTooSmall);
    expect_completion(connection.right, 2, Code::kFlushed);
    const CompletionEntry refused = next_completion(connection.left);
    EXPECT_EQ(refused.cookie, 3U);
    EXPECT_TRUE(Code{refused.status} == Code::kRemoteInvalidRequest ||
                (nic(1).attributes().foreign && Code{refused.status} == Code::kRemoteOperational));
    expect_completion(connection.left, 4, Code::kFlushed);
    expect_async(connection.right, Code::kReceiveTooSmall);
    expect_async(connection.left, Code{refused.status});
    EXPECT_TRUE(std::ranges::all_of(target.bytes().subspan(room),
                                    [](std::byte byte) { return byte == std::byte{0}; }));
  }
}

TEST_P(Failures, a_silent_peer_ends_every_request_at_the_deadline) {
  QueuePairOptions hasty = kPatient;
  hasty.deadline_ns = 100'000'000;
  const Connection connection = connect(hasty);
  const Connection other = connect();
  Buffer local{nic(0), 10'000};
  Buffer remote{nic(1), 10'000};
  nic(1).close_queue_pair(connection.right.qpn());
  const std::uint64_t start_ns = world().now_ns();
  EXPECT_TRUE(post_receive(connection.left, receive_into(9, {local.sge()})));
  EXPECT_TRUE(post_send(connection.left, one_sided(1, WorkOpcode::kRead, {local.sge()}, remote)));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {local.sge()})));
  EXPECT_TRUE(post_send(connection.left, one_sided(3, WorkOpcode::kWrite, {local.sge()}, remote)));
  expect_completion(connection.left, 1, Code::kRetryExceeded);
  EXPECT_GE(world().now_ns() - start_ns, hasty.deadline_ns);
  std::vector<std::uint64_t> flushed;
  for (int i = 0; i < 3; ++i) {
    const CompletionEntry completion = next_completion(connection.left);
    EXPECT_EQ(name(Code{completion.status}), name(Code::kFlushed));
    flushed.push_back(completion.cookie);
  }
  std::ranges::sort(flushed);
  EXPECT_EQ(flushed, (std::vector<std::uint64_t>{2, 3, 9}));
  expect_async(connection.left, Code::kRetryExceeded);
  expect_alive(other);
}

TEST_P(Failures, an_idle_connection_outlives_its_deadline) {
  QueuePairOptions hasty = kPatient;
  hasty.deadline_ns = 1'000'000'000;  // far more than a busy machine takes for an exchange
  hasty.rnr_deadline_ns = hasty.deadline_ns;
  const Connection connection = connect(hasty, hasty);
  expect_alive(connection);
  poll_for(hasty.deadline_ns * 5 / 4);
  expect_alive(connection);
}

TEST_P(Failures, a_bad_descriptor_fails_with_its_own_status) {
  Buffer local{nic(0), 64};
  Buffer target{nic(1), 64};
  std::vector<SendDescriptor> bad(5, send_of(1, {local.sge()}));
  bad[0].opcode = static_cast<WorkOpcode>(99);
  bad[1].opcode = WorkOpcode::kReceive;
  bad[2].sge_count = proto::kSgeMax + 1;
  bad[3] = fetch_add(1, local.sge(0, 4), target, 0, 1);
  bad[4].flags = 0x80;
  for (const SendDescriptor& descriptor : bad) {
    const Connection connection = connect();
    EXPECT_TRUE(post_send(connection.left, descriptor));
    expect_completion(connection.left, 1, Code::kInvalidDescriptor);
    expect_async(connection.left, Code::kInvalidDescriptor);
  }
}

TEST_P(Failures, a_bad_receive_descriptor_fails_with_its_own_status) {
  const Connection connection = connect();
  Buffer source{nic(0), 8};
  ReceiveDescriptor bad{.cookie = 1, .sge_count = proto::kSgeMax + 1};
  EXPECT_TRUE(post_receive(connection.right, bad));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {source.sge()})));
  expect_completion(connection.right, 1, Code::kInvalidDescriptor);
  expect_completion(connection.left, 2, Code::kRemoteOperational);
}

TEST_P(Failures, requests_before_the_failed_one_complete_well) {
  const Connection connection = connect();
  Buffer local{nic(0), 3000};
  Buffer target{nic(1), 3000};
  local.fill(1);
  SendDescriptor bad = one_sided(3, WorkOpcode::kWrite, {local.sge()}, target);
  bad.rkey ^= 1;
  EXPECT_TRUE(post_send(connection.left, one_sided(1, WorkOpcode::kWrite, {local.sge()}, target)));
  EXPECT_TRUE(post_send(connection.left, one_sided(2, WorkOpcode::kRead, {local.sge()}, target)));
  EXPECT_TRUE(post_send(connection.left, bad));
  EXPECT_TRUE(post_send(connection.left, one_sided(4, WorkOpcode::kWrite, {local.sge()}, target)));
  expect_completion(connection.left, 1);
  expect_completion(connection.left, 2);
  expect_completion(connection.left, 3, Code::kRemoteAccess);
  expect_completion(connection.left, 4, Code::kFlushed);
  EXPECT_TRUE(std::ranges::equal(local.bytes(), target.bytes()));
}

TEST_P(Failures, an_error_of_one_queue_pair_leaves_the_others_working) {
  const Connection broken = connect();
  const Connection working = connect();
  Buffer source{nic(0), 8};
  Buffer target{nic(1), 8};
  SendDescriptor bad = one_sided(1, WorkOpcode::kWrite, {source.sge()}, target);
  bad.rkey ^= 1;
  EXPECT_TRUE(post_send(broken.left, bad));
  for (int i = 0; i < 20; ++i) expect_alive(working, 3000);
  expect_completion(broken.left, 1, Code::kRemoteAccess);
  for (int i = 0; i < 20; ++i) expect_alive(working, 3000);
}

TEST_P(Failures, are_reported_once_and_wait_for_room) {
  std::vector<Connection> connections;
  Buffer source{nic(0), 8};
  Buffer target{nic(1), 8};
  SendDescriptor bad = one_sided(1, WorkOpcode::kWrite, {source.sge()}, target);
  bad.rkey ^= 1;
  for (int i = 0; i < 3; ++i) {
    connections.push_back(connect());
    EXPECT_TRUE(post_send(connections.back().left, bad));
    expect_completion(connections.back().left, 1, Code::kRemoteAccess);
  }
  EXPECT_EQ(nic(0).poll_async({}), 0U);
  std::vector<AsyncEvent> events(2);
  EXPECT_EQ(nic(0).poll_async(events), 2U);
  std::vector<Qpn> reported{events[0].qpn, events[1].qpn};
  EXPECT_EQ(nic(0).poll_async(events), 1U);
  reported.push_back(events[0].qpn);
  EXPECT_EQ(nic(0).poll_async(events), 0U);
  std::ranges::sort(reported);
  std::vector<Qpn> expected;
  for (const Connection& connection : connections) expected.push_back(connection.left.qpn());
  std::ranges::sort(expected);
  EXPECT_EQ(reported, expected);
}

INSTANTIATE_TEST_SUITE_P(Nics, Failures, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
