#include "mapwire/nic_fw/queue_table.h"

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

using proto::CompletionEntry;
using proto::WorkOpcode;

constexpr QueuePairOptions kFourAndTwo{.send_entries = 4, .receive_entries = 2};

class QueueTableTest : public ::testing::Test {
 protected:
  // Opens queues as those of `qpn` and gives the engine's ends.
  QueuePairRings open(Qpn qpn) {
    auto queues = table_.make(kFourAndTwo);
    EXPECT_TRUE(queues) << queues.error().message;
    table_.add(qpn, *queues);
    return queues->ends.engine;
  }

  QueueTable table_{8, 16};  // two queue pairs of 4 + 2 fit, and half a third
};

TEST_F(QueueTableTest, an_entry_is_occupied_from_post_to_completion) {
  QueuePairRings rings = open(7);
  WorkQueues& queues = *table_.find(7);
  for (std::uint64_t cookie = 0; cookie < 4; ++cookie) {
    EXPECT_TRUE(queues.send.post({.cookie = cookie}));
  }
  // The engine has fetched all of them, but none is complete.
  for (std::uint64_t cookie = 0; cookie < 4; ++cookie) {
    EXPECT_EQ(rings.send.try_pop()->cookie, cookie);
  }
  EXPECT_FALSE(queues.send.post({.cookie = 4}));
  table_.on_completion(CompletionEntry{.qpn = 7, .opcode = WorkOpcode::kWrite});
  EXPECT_TRUE(queues.send.post({.cookie = 5}));
  EXPECT_FALSE(queues.send.post({.cookie = 6}));
  EXPECT_EQ(rings.send.try_pop()->cookie, 5U);
}

TEST_F(QueueTableTest, completions_of_receives_make_room_in_the_receive_queue) {
  QueuePairRings rings = open(7);
  WorkQueues& queues = *table_.find(7);
  EXPECT_TRUE(queues.receive.post({}));
  EXPECT_TRUE(queues.receive.post({}));
  EXPECT_TRUE(rings.receive.try_pop());
  EXPECT_TRUE(rings.receive.try_pop());
  EXPECT_FALSE(queues.receive.post({}));
  table_.on_completion(CompletionEntry{.qpn = 7, .opcode = WorkOpcode::kReceive});
  table_.on_completion(CompletionEntry{.qpn = 7, .opcode = WorkOpcode::kReceiveWrite});
  EXPECT_TRUE(queues.receive.post({}));
  EXPECT_TRUE(queues.receive.post({}));
  EXPECT_FALSE(queues.receive.post({}));
}

TEST_F(QueueTableTest, is_full_when_completions_might_not_fit) {
  open(7);
  open(8);
  auto third = table_.make(kFourAndTwo);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::kLimitReached);
  table_.remove(8);
  EXPECT_TRUE(table_.make(kFourAndTwo));
}

TEST_F(QueueTableTest, completions_of_a_removed_queue_pair_keep_their_room_until_drained) {
  open(7);
  open(8);
  EXPECT_TRUE(table_.find(8)->send.post({}));
  EXPECT_TRUE(table_.find(8)->send.post({}));
  EXPECT_TRUE(table_.find(8)->receive.post({}));
  table_.remove(8);  // 10 entries are free, less the 3 that may be on their way
  EXPECT_TRUE(table_.make(kFourAndTwo));
  EXPECT_EQ(table_.make({.send_entries = 2, .receive_entries = 2}).error().code,
            Code::kLimitReached);
  table_.on_completion(CompletionEntry{.qpn = 8});  // belongs to nobody: no effect
  table_.on_completions_drained();
  EXPECT_TRUE(table_.make({.send_entries = 2, .receive_entries = 2}));
}

TEST_F(QueueTableTest, discarded_queues_take_no_room) {
  for (int i = 0; i < 100; ++i) {
    auto queues = table_.make(kFourAndTwo);
    ASSERT_TRUE(queues) << queues.error().message;
    table_.discard(*queues);
  }
}

TEST_F(QueueTableTest, rings_that_were_given_back_serve_the_next_queue_pair) {
  auto first = table_.make(kFourAndTwo);
  ASSERT_TRUE(first);
  table_.add(7, *first);
  table_.give_back_rings(7);
  auto second = table_.make(kFourAndTwo);
  ASSERT_TRUE(second);
  table_.add(8, *second);
  EXPECT_EQ(second->memory.data(), first->memory.data());
  // The queues of the first still count, and have no rings to give back again.
  EXPECT_TRUE(table_.find(7)->send.take_entry());
  EXPECT_EQ(table_.completions_max(), 12U);
  table_.remove(7);
  auto third = table_.make(kFourAndTwo);
  ASSERT_TRUE(third);
  EXPECT_NE(third->memory.data(), second->memory.data());
}

TEST_F(QueueTableTest, refuses_entries_that_are_no_power_of_two_in_range) {
  for (std::uint32_t entries : {0U, 3U, 16U, 1U << 31}) {
    for (const QueuePairOptions& options :
         {QueuePairOptions{.send_entries = entries, .receive_entries = 2},
          QueuePairOptions{.send_entries = 2, .receive_entries = entries}}) {
      auto queues = table_.make(options);
      ASSERT_FALSE(queues) << entries;
      EXPECT_EQ(queues.error().code, Code::kInvalidArgument);
    }
  }
}

TEST_F(QueueTableTest, knows_no_removed_queue_pair) {
  open(7);
  table_.remove(7);
  EXPECT_EQ(table_.find(7), nullptr);
  table_.remove(7);
  table_.remove(9);
}

}  // namespace
}  // namespace mapwire::nic_fw
