#include "mapwire/nic_fw/round_trip.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/nic_fw/test_host.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kShort = 10'000;  // a round trip on one host
constexpr std::uint64_t kNoCeiling = 1'000'000 * engine_test::kMs;

TEST(RoundTrip, the_first_sample_sets_it) {
  RoundTrip round_trip;
  EXPECT_EQ(round_trip.timeout_ns(kNoCeiling), 20 * engine_test::kMs);
  round_trip.on_sample(10 * engine_test::kMs);
  EXPECT_EQ(round_trip.smoothed_ns(), 10 * engine_test::kMs);
  EXPECT_EQ(round_trip.timeout_ns(kNoCeiling),
            30 * engine_test::kMs);  // RFC 6298 (2.2): R + 4 * R/2
}

TEST(RoundTrip, approaches_a_steady_path) {
  RoundTrip round_trip;
  round_trip.on_sample(50 * engine_test::kMs);
  for (int i = 0; i < 100; ++i) round_trip.on_sample(10 * engine_test::kMs);
  EXPECT_NEAR(static_cast<double>(round_trip.smoothed_ns()), 10e6, 1e5);
  EXPECT_NEAR(static_cast<double>(round_trip.timeout_ns(kNoCeiling)), 20e6, 1e6);  // one of slack
  EXPECT_EQ(round_trip.minimum_ns(), 10 * engine_test::kMs);
}

TEST(RoundTrip, never_waits_less_than_a_scheduler_may_take) {
  RoundTrip round_trip;
  for (int i = 0; i < 100; ++i) round_trip.on_sample(kShort);
  EXPECT_EQ(round_trip.timeout_ns(kNoCeiling), kShort + 4 * engine_test::kMs);
}

TEST(RoundTrip, doubles_up_to_the_ceiling_and_starts_over_with_a_sample) {
  RoundTrip round_trip;
  round_trip.on_sample(kShort);
  round_trip.back_off();
  EXPECT_EQ(round_trip.timeout_ns(kNoCeiling), 2 * (kShort + 4 * engine_test::kMs));
  for (int i = 0; i < 100; ++i) round_trip.back_off();
  EXPECT_EQ(round_trip.timeout_ns(250 * engine_test::kMs), 250 * engine_test::kMs);
  round_trip.on_sample(kShort);
  EXPECT_EQ(round_trip.timeout_ns(250 * engine_test::kMs), kShort + 4 * engine_test::kMs);
}

TEST(RoundTrip, progress_takes_most_of_the_back_off_back) {
  RoundTrip round_trip;
  for (int i = 0; i < 10; ++i) round_trip.back_off();
  round_trip.on_progress();
  EXPECT_EQ(round_trip.timeout_ns(kNoCeiling), 160 * engine_test::kMs);
}

TEST(RoundTrip, a_measured_round_trip_is_awaited_even_above_the_ceiling) {
  RoundTrip round_trip;
  round_trip.on_sample(100 * engine_test::kMs);
  EXPECT_EQ(round_trip.timeout_ns(engine_test::kMs), 300 * engine_test::kMs);
}

}  // namespace
}  // namespace mapwire::nic_fw
