#include "mapwire/nic_fw/engine_clock.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw {
namespace {

using engine_test::HandMadePeer;
using engine_test::kMs;
using engine_test::kSecond;

constexpr std::uint64_t kNever = UINT64_MAX;
const auto kMessage = engine_test::test_bytes(10);

TEST(EngineClock, follows_the_caller_as_long_as_timers_are_run) {
  EngineClock clock;
  clock.advance(10 * kSecond, kNever);
  EXPECT_EQ(clock.now_ns(), 10 * kSecond);
  clock.advance(20 * kSecond, 20 * kSecond);
  EXPECT_EQ(clock.now_ns(), 20 * kSecond);
  clock.advance(30 * kSecond, 30 * kSecond - 250 * kMs);  // late, as schedulers have it
  EXPECT_EQ(clock.now_ns(), 30 * kSecond);
  EXPECT_EQ(clock.to_caller(31 * kSecond), 31 * kSecond);
}

TEST(EngineClock, stands_still_from_a_timer_that_nobody_ran) {
  EngineClock clock;
  clock.advance(10 * kSecond, kNever);
  clock.advance(60 * kSecond, 11 * kSecond);
  EXPECT_EQ(clock.now_ns(), 11 * kSecond);
  clock.advance(61 * kSecond, kNever);
  EXPECT_EQ(clock.now_ns(), 12 * kSecond);
  EXPECT_EQ(clock.to_caller(13 * kSecond), 62 * kSecond);
  EXPECT_EQ(clock.to_caller(kNever), kNever);
  clock.advance(90 * kSecond, 13 * kSecond);  // once more
  EXPECT_EQ(clock.now_ns(), 13 * kSecond);
  EXPECT_EQ(clock.to_caller(13 * kSecond), 90 * kSecond);
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
