// Who sleeps is woken: two threads pass a word to and fro and sleep whenever they wait.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "tests/environment.h"
#include "tests/nic_fw/shm_test_support.h"

namespace mapwire::nic_fw {
namespace {

using namespace shm_test;

// MAPWIRE_TEST_SLEEPS: how often.
std::uint64_t rounds() { return testing::number_from("MAPWIRE_TEST_SLEEPS", 10'000) / 2; }

// Sleeps until a receive has completed; false if it was not woken.
bool sleep_for_message(Nic& nic) {
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  std::array<proto::CompletionEntry, 8> completions;
  while (now_ns() < until_ns) {
    const std::size_t count = nic.poll(completions, Now{}).completions;
    for (const auto& completion : std::span{completions}.first(count)) {
      if (completion.opcode == proto::WorkOpcode::kReceive) return completion.status == 0;
    }
    if (count != 0) continue;
    const std::uint64_t deadline_ns = std::min(nic.next_deadline_ns(), until_ns);
    const std::uint64_t now = now_ns();
    const std::uint64_t sleep_ns = deadline_ns > now ? deadline_ns - now : 0;
    const timespec timeout{.tv_sec = static_cast<time_t>(sleep_ns / kNanosecondsPerSecond),
                           .tv_nsec = static_cast<long>(sleep_ns % kNanosecondsPerSecond)};
    pollfd event{.fd = nic.event_fd(), .events = POLLIN, .revents = 0};
    ::ppoll(&event, 1, &timeout, nullptr);
  }
  return false;
}

// Two NICs, a queue pair of each to the other.
struct Ends {
  std::unique_ptr<Nic> near = make_nic();
  std::unique_ptr<Nic> far = make_nic();
  QueuePairAddress here = open(*near);
  QueuePairAddress there = open(*far);

  Ends() {
    connect(*near, here, there);
    connect(*far, there, here);
  }
};

// A request waits until the peer has told that it is connected, and leaves with a poll.
TEST(ShmSleep, what_a_poll_sends_wakes_as_what_a_post_sends) {
  Ends ends;
  std::uint64_t word = 0;
  ASSERT_TRUE(post_send(*ends.near, ends.here.qpn, word));
  while (ends.far->next_deadline_ns() == 0) ends.far->poll({}, Now{});
  ends.near->next_deadline_ns();  // finds the peer's hello
  ends.near->poll({}, Now{});
  pollfd event{.fd = ends.far->event_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&event, 1, 0), 1);
}

TEST(ShmSleep, no_wake_up_is_lost) {
  Ends ends;
  const std::uint64_t count = rounds();
  std::jthread answers{[&] {
    std::uint64_t in = 0;
    for (std::uint64_t round = 0; round < count; ++round) {
      ASSERT_TRUE(post_receive(*ends.far, ends.there.qpn, in));
      ASSERT_TRUE(sleep_for_message(*ends.far)) << round;
      ASSERT_EQ(in, round);
      ASSERT_TRUE(post_send(*ends.far, ends.there.qpn, in));
    }
  }};
  std::uint64_t in = 0;
  for (std::uint64_t round = 0; round < count; ++round) {
    std::uint64_t out = round;
    ASSERT_TRUE(post_receive(*ends.near, ends.here.qpn, in));
    ASSERT_TRUE(post_send(*ends.near, ends.here.qpn, out));
    ASSERT_TRUE(sleep_for_message(*ends.near)) << round;
    ASSERT_EQ(in, round);
  }
}

}  // namespace
}  // namespace mapwire::nic_fw
