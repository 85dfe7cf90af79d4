#include "mapwire/nic_fw/timer_queue.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

TEST(TimerQueue, knows_the_first_of_many) {
  TimerQueue timers{3};
  EXPECT_EQ(timers.first_deadline_ns(), UINT64_MAX);
  timers.arm(0, 30);
  timers.arm(1, 10);
  timers.arm(2, 20);
  EXPECT_EQ(timers.first_slot(), 1U);
  timers.arm(1, 40);
  EXPECT_EQ(timers.first_slot(), 2U);
  timers.arm(2, UINT64_MAX);
  EXPECT_EQ(timers.first_slot(), 0U);
  EXPECT_EQ(timers.first_deadline_ns(), 30U);
}

TEST(TimerQueue, agrees_with_a_linear_search_over_many_changes) {
  constexpr std::uint32_t kSlots = 20;
  TimerQueue timers{kSlots};
  std::vector<std::uint64_t> model(kSlots, UINT64_MAX);
  std::mt19937 random{1};
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random() % kSlots);
    model[slot] = random() % 4 == 0 ? UINT64_MAX : random() % 50;
    timers.arm(slot, model[slot]);
    ASSERT_EQ(timers.first_deadline_ns(), *std::ranges::min_element(model)) << "step " << step;
    ASSERT_EQ(timers.deadline_ns(slot), model[slot]);
  }
}

}  // namespace
}  // namespace mapwire::nic_fw
