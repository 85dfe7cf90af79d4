// Queues are bounded, keep order, and complete every request once.
#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

class Queues : public Conformance {
 protected:
  // Posts WRITEs with ascending cookies until the queue is full; returns how many it took.
  std::uint64_t post_until_full(const End& end, const Buffer& source, const Buffer& target) {
    std::uint64_t posted = 0;
    while (posted < 1000 &&
           post_send(end, one_sided(posted, WorkOpcode::kWrite, {source.sge()}, target))) {
      ++posted;
    }
    return posted;
  }
};

TEST_P(Queues, a_full_send_queue_takes_no_more_until_a_request_completes) {
  QueuePairOptions eight = kPatient;
  eight.send_entries = 8;
  const Connection connection = connect(eight);
  Buffer source{nic(0), 2000};
  Buffer target{nic(1), 2000};
  EXPECT_EQ(post_until_full(connection.left, source, target), 8U);
  for (std::uint64_t cookie = 0; cookie < 8; ++cookie) expect_completion(connection.left, cookie);
  EXPECT_EQ(post_until_full(connection.left, source, target), 8U);
  for (std::uint64_t cookie = 0; cookie < 8; ++cookie) expect_completion(connection.left, cookie);
}

TEST_P(Queues, a_full_receive_queue_takes_no_more_until_a_message_comes) {
  QueuePairOptions four = kPatient;
  four.receive_entries = 4;
  const Connection connection = connect(kPatient, four);
  Buffer source{nic(0), 10};
  Buffer target{nic(1), 10};
  for (std::uint64_t cookie = 0; cookie < 4; ++cookie) {
    EXPECT_TRUE(post_receive(connection.right, receive_into(cookie, {target.sge()})));
  }
  EXPECT_FALSE(post_receive(connection.right, receive_into(4, {target.sge()})));
  EXPECT_TRUE(post_send(connection.left, send_of(9, {source.sge()})));
  expect_completion(connection.right, 0);
  EXPECT_TRUE(post_receive(connection.right, receive_into(5, {target.sge()})));
  EXPECT_FALSE(post_receive(connection.right, receive_into(6, {target.sge()})));
  expect_completion(connection.left, 9);
}

TEST_P(Queues, receives_may_be_posted_before_the_connection) {
  const End left = open(0, kPatient);
  const End right = open(1, kPatient);
  Buffer source{nic(0), 10};
  Buffer target{nic(1), 10};
  EXPECT_TRUE(post_receive(right, receive_into(1, {target.sge()})));
  connect_ends(left, right, 1024);
  connect_ends(right, left, 1024);
  EXPECT_TRUE(post_send(left, send_of(2, {source.sge()})));
  expect_completion(right, 1);
  expect_completion(left, 2);
}

TEST_P(Queues, requests_complete_in_posting_order_whatever_they_are) {
  const Connection connection = connect();
  Buffer local{nic(0), 100'000};
  Buffer remote{nic(1), 100'000};
  for (std::uint64_t i = 0; i < 60; i += 5) {
    const Sge word = local.sge(0, 8);
    EXPECT_TRUE(post_receive(connection.right, receive_into(i, {remote.sge(0, 1000)})));
    EXPECT_TRUE(post_send(connection.left, one_sided(i, WorkOpcode::kRead, {local.sge()}, remote)));
    EXPECT_TRUE(post_send(connection.left, send_of(i + 1, {local.sge(0, 1000)})));
    EXPECT_TRUE(post_send(connection.left, fetch_add(i + 2, word, remote, 0, 1)));
    EXPECT_TRUE(post_send(connection.left,
                          one_sided(i + 3, WorkOpcode::kWrite, {local.sge(0, 1)}, remote)));
    EXPECT_TRUE(post_send(connection.left, compare_swap(i + 4, word, remote, 0, 1, 2)));
  }
  for (std::uint64_t i = 0; i < 60; ++i) expect_completion(connection.left, i);
  for (std::uint64_t i = 0; i < 60; i += 5) expect_completion(connection.right, i);
}

TEST_P(Queues, messages_arrive_in_the_order_they_were_posted) {
  const Connection connection = connect();
  Buffer source{nic(0), 64 * 8};
  Buffer target{nic(1), 64 * 8};
  for (std::size_t i = 0; i < 64; ++i) {
    source.set_word(i * 8, i + 1000);
    EXPECT_TRUE(post_receive(connection.right, receive_into(i, {target.sge(i * 8, 8)})));
  }
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_TRUE(post_send(connection.left, send_of(i, {source.sge(i * 8, 8)})));
  }
  for (std::size_t i = 0; i < 64; ++i) {
    expect_completion(connection.right, i);
    EXPECT_EQ(target.word(i * 8), i + 1000);
  }
  for (std::size_t i = 0; i < 64; ++i) expect_completion(connection.left, i);
}

TEST_P(Queues, completions_that_find_no_room_in_a_poll_wait_and_say_so) {
  const Connection connection = connect();
  Buffer source{nic(0), 10};
  Buffer target{nic(1), 10};
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(
        post_send(connection.left, one_sided(i, WorkOpcode::kWrite, {source.sge()}, target)));
  }
  for (std::uint64_t i = 0; i < 10; ++i) {
    CompletionEntry completion;
    std::size_t taken = 0;
    while (taken == 0) {  // a NIC may also have something that is no completion
      ASSERT_TRUE(poll_without_taking([&] { return nic(0).next_deadline_ns() == 0; }));
      taken = nic(0).poll(std::span{&completion, 1}, world().now_ns()).completions;
    }
    EXPECT_EQ(completion.cookie, i);
  }
}

TEST_P(Queues, flushing_completes_everything_with_the_reason_and_later_posts_as_flushed) {
  const Connection connection = connect();
  Buffer buffer{nic(0), 100};
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(post_receive(connection.left, receive_into(100 + i, {buffer.sge()})));
    EXPECT_TRUE(post_send(connection.left, send_of(i, {buffer.sge()})));  // no receive: stays
  }
  nic(0).flush_queue_pair(connection.left.qpn(), Code::kPeerDead);
  std::vector<std::uint64_t> sends;
  std::vector<std::uint64_t> receives;
  for (int i = 0; i < 10; ++i) {
    const CompletionEntry completion = next_completion(connection.left);
    EXPECT_EQ(name(Code{completion.status}), name(Code::kPeerDead));
    EXPECT_EQ(completion.bytes, 0U);
    (completion.cookie < 100 ? sends : receives).push_back(completion.cookie);
  }
  EXPECT_EQ(sends, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(receives, (std::vector<std::uint64_t>{100, 101, 102, 103, 104}));

  EXPECT_TRUE(post_send(connection.left, send_of(7, {buffer.sge()})));
  expect_completion(connection.left, 7, Code::kFlushed);
  EXPECT_TRUE(post_receive(connection.left, receive_into(8, {buffer.sge()})));
  expect_completion(connection.left, 8, Code::kFlushed);
  nic(0).flush_queue_pair(connection.left.qpn(), Code::kInterrupted);  // no effect
  poll_for(20'000'000);
  EXPECT_EQ(completions_waiting(connection.left), 0U);
}

TEST_P(Queues, closing_drops_what_is_outstanding_and_frees_the_buffers) {
  const Connection closed = connect();
  const Connection other = connect();
  Buffer target{nic(1), 100'000};
  {
    Buffer source{nic(0), 100'000};
    for (std::uint64_t i = 0; i < 20; ++i) {
      EXPECT_TRUE(post_send(closed.left, one_sided(i, WorkOpcode::kWrite, {source.sge()}, target)));
      EXPECT_TRUE(post_receive(closed.left, receive_into(i, {source.sge()})));
    }
    nic(0).close_queue_pair(closed.left.qpn());
  }
  EXPECT_FALSE(post_send(closed.left, send_of(1, {})));
  EXPECT_FALSE(post_receive(closed.left, receive_into(1, {})));
  expect_alive(other);
  nic(0).close_queue_pair(closed.left.qpn());  // unknown by now: no effect
  nic(0).flush_queue_pair(closed.left.qpn(), Code::kPeerDead);
  poll_for(20'000'000);
  // A device that works by itself may have done some before.
  while (nic(0).attributes().foreign && completions_waiting(closed.left) > 0) {
    EXPECT_EQ(name(Code{next_completion(closed.left).status}), name(Code::kOk));
  }
  EXPECT_EQ(completions_waiting(closed.left), 0U);
}

TEST_P(Queues, completions_from_before_the_close_are_still_delivered) {
  const Connection connection = connect();
  Buffer source{nic(0), 10};
  Buffer target{nic(1), 10};
  EXPECT_TRUE(post_receive(connection.right, receive_into(1, {target.sge()})));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {source.sge()})));
  // The message arrives, and its completion is not taken.
  EXPECT_TRUE(poll_without_taking([&] { return nic(1).next_deadline_ns() == 0; }));
  nic(1).close_queue_pair(connection.right.qpn());
  expect_completion(connection.right, 1);
}

INSTANTIATE_TEST_SUITE_P(Nics, Queues, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
