// A message for which no receive is posted waits for one, for as long as it is told to.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

class ReceiverNotReady : public Conformance {};

TEST_P(ReceiverNotReady, a_send_is_delivered_once_a_receive_is_posted) {
  const Connection connection = connect();
  for (std::size_t bytes : {0U, 10U, 5000U}) {
    SCOPED_TRACE(::testing::Message() << bytes << " bytes");
    Buffer source{nic(0), 5000};
    Buffer target{nic(1), 5000};
    source.fill(1);
    EXPECT_TRUE(post_send(connection.left, send_of(2, {source.sge(0, bytes)})));
    poll_for(20'000'000);
    EXPECT_EQ(completions_waiting(connection.left), 0U);
    EXPECT_TRUE(post_receive(connection.right, receive_into(1, {target.sge()})));
    expect_completion(connection.right, 1);
    expect_completion(connection.left, 2);
    EXPECT_TRUE(std::ranges::equal(target.bytes().first(bytes), source.bytes().first(bytes)));
  }
}

TEST_P(ReceiverNotReady, a_write_with_immediate_waits_too) {
  const Connection connection = connect();
  Buffer source{nic(0), 5000};
  Buffer target{nic(1), 5000};
  source.fill(1);
  EXPECT_TRUE(post_send(connection.left,
                        one_sided(2, WorkOpcode::kWriteImmediate, {source.sge()}, target)));
  poll_for(20'000'000);
  EXPECT_EQ(completions_waiting(connection.left), 0U);
  EXPECT_TRUE(post_receive(connection.right, receive_into(1, {})));
  expect_completion(connection.right, 1);
  expect_completion(connection.left, 2);
  EXPECT_TRUE(std::ranges::equal(target.bytes(), source.bytes()));
}

TEST_P(ReceiverNotReady, more_messages_than_receives_all_arrive_in_order) {
  const Connection connection = connect();
  Buffer source{nic(0), 64 * 8};
  Buffer target{nic(1), 8};
  for (std::size_t i = 0; i < 64; ++i) {
    source.set_word(i * 8, i);
    EXPECT_TRUE(post_send(connection.left, send_of(i, {source.sge(i * 8, 8)})));
  }
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_TRUE(post_receive(connection.right, receive_into(i, {target.sge()})));
    expect_completion(connection.right, i);
    EXPECT_EQ(target.word(0), i);
  }
  for (std::size_t i = 0; i < 64; ++i) expect_completion(connection.left, i);
}

TEST_P(ReceiverNotReady, a_send_fails_at_its_deadline_if_none_is_ever_posted) {
  QueuePairOptions hasty = kPatient;
  hasty.rnr_deadline_ns = 50'000'000;
  const Connection connection = connect(hasty);
  const Connection other = connect();
  Buffer source{nic(0), 100};
  EXPECT_TRUE(post_send(connection.left, send_of(1, {source.sge()})));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {source.sge()})));
  expect_completion(connection.left, 1, Code::kRnrRetryExceeded);
  expect_completion(connection.left, 2, Code::kFlushed);
  expect_async(connection.left, Code::kRnrRetryExceeded);
  expect_alive(other);
}

INSTANTIATE_TEST_SUITE_P(Nics, ReceiverNotReady, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
