// How long waiting calls spin.
#include "mapwire/endpoints/detail/spin_bound.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace mapwire::detail {
namespace {

constexpr std::uint64_t kMaxNs = 50'000;

TEST(SpinBoundTest, starts_without_spinning) { EXPECT_EQ(SpinBound{kMaxNs}.ns(), 0U); }

TEST(SpinBoundTest, grows_by_waits_that_spinning_could_have_ended_until_it_ends_them) {
  SpinBound bound{kMaxNs};
  bound.on_wait(12'000, true);
  EXPECT_EQ(bound.ns(), 5'000U);
  bound.on_wait(12'000, true);
  EXPECT_EQ(bound.ns(), 10'000U);
  bound.on_wait(12'000, true);
  EXPECT_EQ(bound.ns(), 20'000U);
  bound.on_wait(12'000, true);
  EXPECT_EQ(bound.ns(), 20'000U);
}

TEST(SpinBoundTest, never_exceeds_its_maximum) {
  SpinBound bound{kMaxNs};
  for (int i = 0; i < 10; ++i) bound.on_wait(kMaxNs, true);
  EXPECT_EQ(bound.ns(), kMaxNs);
}

TEST(SpinBoundTest, falls_to_nothing_by_long_waits) {
  SpinBound bound{kMaxNs};
  for (int i = 0; i < 10; ++i) bound.on_wait(kMaxNs, true);
  for (int i = 0; i < 4; ++i) bound.on_wait(kMaxNs + 1, true);
  EXPECT_EQ(bound.ns(), 0U);
}

TEST(SpinBoundTest, falls_by_waits_that_nothing_came_of_however_short) {
  SpinBound bound{kMaxNs};
  bound.on_wait(12'000, true);
  bound.on_wait(1'000, false);
  EXPECT_EQ(bound.ns(), 0U);
}

TEST(SpinBoundTest, a_maximum_of_nothing_never_spins) {
  SpinBound bound{0};
  bound.on_wait(0, true);
  bound.on_wait(1, true);
  EXPECT_EQ(bound.ns(), 0U);
}

}  // namespace
}  // namespace mapwire::detail
