#include "mapwire/nic_fw/gap_latch.h"

#include <gtest/gtest.h>

#include "mapwire/nic_fw/psn.h"

namespace mapwire::nic_fw {
namespace {

TEST(GapLatch, signals_a_gap_once) {
  GapLatch latch;
  EXPECT_TRUE(latch.should_signal(10, 11));
  EXPECT_FALSE(latch.should_signal(10, 12));
  EXPECT_FALSE(latch.should_signal(10, 13));
}

TEST(GapLatch, signals_again_when_the_sender_went_back_and_lost_the_packet_again) {
  GapLatch latch;
  EXPECT_TRUE(latch.should_signal(10, 12));
  EXPECT_FALSE(latch.should_signal(10, 13));
  EXPECT_FALSE(latch.should_signal(10, 11));  // was lost too the first time
  EXPECT_TRUE(latch.should_signal(10, 12));
  EXPECT_FALSE(latch.should_signal(10, 13));
  EXPECT_TRUE(latch.should_signal(10, 12));  // and a third time
}

TEST(GapLatch, is_silent_about_packets_that_overtake_each_other) {
  GapLatch latch;
  EXPECT_TRUE(latch.should_signal(10, 73));
  for (Psn psn = 72; psn > 10; --psn) EXPECT_FALSE(latch.should_signal(10, psn)) << psn;
}

TEST(GapLatch, signals_again_when_only_packets_far_behind_the_gap_come) {
  GapLatch latch;
  EXPECT_TRUE(latch.should_signal(10, 100));
  EXPECT_FALSE(latch.should_signal(10, 200));
  EXPECT_TRUE(latch.should_signal(10, 100));
  EXPECT_FALSE(latch.should_signal(10, 200));
}

TEST(GapLatch, signals_the_next_gap) {
  GapLatch latch;
  EXPECT_TRUE(latch.should_signal(10, 12));
  EXPECT_TRUE(latch.should_signal(13, 14));
}

TEST(GapLatch, is_silent_about_what_follows_a_packet_that_was_sent_back) {
  GapLatch latch;
  latch.expect_return(10);
  EXPECT_FALSE(latch.should_signal(10, 11));
  EXPECT_FALSE(latch.should_signal(10, 12));
  EXPECT_TRUE(latch.should_signal(10, 11));
}

}  // namespace
}  // namespace mapwire::nic_fw
