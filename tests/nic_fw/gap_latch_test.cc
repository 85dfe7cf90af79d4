#include "mapwire/nic_fw/gap_latch.h"

#include <gtest/gtest.h>

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
  EXPECT_TRUE(latch.should_signal(10, 11));
  EXPECT_FALSE(latch.should_signal(10, 12));
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
