#include "mapwire/nic_fw/engine_clock.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw {
namespace {

using engine_test::HandMadePeer;
using engine_test::kMessage;
using engine_test::kMs;
using engine_test::kSecond;

constexpr std::uint64_t kNoDeadline = UINT64_MAX;

TEST(EngineClock, follows_the_caller_as_long_as_timers_are_run) {
  EngineClock clock;
  clock.advance(10 * kSecond, kNoDeadline);
  EXPECT_EQ(clock.now_ns(), 10 * kSecond);
  clock.advance(20 * kSecond, 20 * kSecond);
  EXPECT_EQ(clock.now_ns(), 20 * kSecond);
  clock.advance(30 * kSecond, 30 * kSecond - 250 * kMs);  // late, as schedulers have it
  EXPECT_EQ(clock.now_ns(), 30 * kSecond);
  EXPECT_EQ(clock.to_caller(31 * kSecond), 31 * kSecond);
}

TEST(EngineClock, stands_still_from_a_timer_that_nobody_ran) {
  EngineClock clock;
  clock.advance(10 * kSecond, kNoDeadline);
  clock.advance(60 * kSecond, 11 * kSecond);
  EXPECT_EQ(clock.now_ns(), 11 * kSecond);
  clock.advance(61 * kSecond, kNoDeadline);
  EXPECT_EQ(clock.now_ns(), 12 * kSecond);
  EXPECT_EQ(clock.to_caller(13 * kSecond), 62 * kSecond);
  EXPECT_EQ(clock.to_caller(kNoDeadline), kNoDeadline);
  clock.advance(90 * kSecond, 13 * kSecond);  // once more
  EXPECT_EQ(clock.now_ns(), 13 * kSecond);
  EXPECT_EQ(clock.to_caller(13 * kSecond), 90 * kSecond);
}

// A doorbell runs no timers, and the armed one may be too early: it stays overdue between calls.
TEST(EngineClock, never_goes_back_to_a_timer_that_is_overdue) {
  EngineClock clock;
  clock.advance(10 * kSecond, kNoDeadline);
  clock.advance(10 * kSecond + 200 * kMs, 10 * kSecond);
  EXPECT_EQ(clock.now_ns(), 10 * kSecond + 200 * kMs);
  clock.advance(10 * kSecond + 300 * kMs, 10 * kSecond);
  EXPECT_EQ(clock.now_ns(), 10 * kSecond + 300 * kMs);
  clock.advance(20 * kSecond, 10 * kSecond);  // a pause, since the last call
  EXPECT_EQ(clock.now_ns(), 10 * kSecond + 300 * kMs);
  EXPECT_EQ(clock.to_caller(11 * kSecond), 20 * kSecond + 700 * kMs);
}

TEST(EngineClock, never_goes_back_with_a_caller_whose_clock_does) {
  EngineClock clock;
  clock.advance(10 * kSecond, kNoDeadline);
  clock.advance(9 * kSecond, kNoDeadline);
  EXPECT_EQ(clock.now_ns(), 10 * kSecond);
}

// A stopped process, a closed laptop or a paused virtual machine used to end all connections.
TEST(EngineClock, a_pause_of_this_side_is_no_silence_of_the_peer) {
  HandMadePeer peer{{.queue_pair = {.deadline_ns = 2 * kSecond}}};
  peer.post(engine_test::send_of(1, kMessage));
  EXPECT_EQ(peer.take().size(), 1U);
  peer.now_ns += 60 * kSecond;  // nobody calls the engine
  peer.host.engine.on_time(peer.now_ns);
  EXPECT_TRUE(peer.host.completions().empty());
  EXPECT_EQ(peer.take().size(), 1U);  // sent again
  peer.give(peer.ack(0));
  const auto completions = peer.host.completions();
  ASSERT_EQ(completions.size(), 1U);
  EXPECT_EQ(Code{completions[0].status}, Code::kOk);
}

// An application that drives the NIC itself computes, posts, computes and polls. Its round trip
// used to be measured as negative, and from then on nothing lost was sent again.
TEST(EngineClock, pauses_around_a_doorbell_do_not_spoil_the_round_trip) {
  HandMadePeer peer{{.queue_pair = {.deadline_ns = 2 * kSecond}}};
  peer.post(engine_test::send_of(1, kMessage));
  peer.take();
  peer.now_ns += kMs;
  peer.give(peer.ack(0));  // the timer of the first message stays armed
  peer.now_ns += 200 * kMs;
  peer.post(engine_test::send_of(2, kMessage));
  EXPECT_EQ(peer.take().size(), 1U);
  peer.now_ns += 100 * kMs;
  peer.give(peer.ack(1));
  peer.host.engine.on_time(peer.now_ns);
  EXPECT_EQ(peer.host.completions().size(), 2U);

  peer.post(engine_test::send_of(3, kMessage));
  EXPECT_EQ(peer.take().size(), 1U);  // lost
  peer.pass(kSecond);
  EXPECT_GE(peer.take().size(), 1U);  // sent again
}

TEST(EngineClock, the_deadline_holds_after_a_pause) {
  HandMadePeer peer{{.queue_pair = {.deadline_ns = 2 * kSecond}}};
  peer.post(engine_test::send_of(1, kMessage));
  peer.take();
  peer.now_ns += 60 * kSecond;
  peer.host.engine.on_time(peer.now_ns);
  peer.pass(2 * kSecond);
  const auto completions = peer.host.completions();
  ASSERT_EQ(completions.size(), 1U);
  EXPECT_EQ(Code{completions[0].status}, Code::kRetryExceeded);
}

}  // namespace
}  // namespace mapwire::nic_fw
