#include "mapwire/nic_fw/flight_limit.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/nic_fw/test_host.h"

namespace mapwire::nic_fw {
namespace {

// One round trip in which the whole flight is acknowledged.
void round_trip(FlightLimit& flight, std::uint64_t smoothed_ns) {
  flight.on_acknowledged(flight.packets(), flight.packets(), smoothed_ns);
}

TEST(FlightLimit, doubles_until_the_first_gap) {
  FlightLimit flight{4096};
  const auto start = flight.packets();
  round_trip(flight, 10 * engine_test::kMs);
  EXPECT_EQ(flight.packets(), 2 * start);
  round_trip(flight, 10 * engine_test::kMs);
  EXPECT_EQ(flight.packets(), 4 * start);
}

TEST(FlightLimit, swings_above_the_product_of_a_gigabit_and_ten_milliseconds) {
  for (std::uint32_t path_mtu : {256U, 1024U, 4096U}) {
    FlightLimit flight{path_mtu};
    for (int i = 0; i < 20; ++i) round_trip(flight, 10 * engine_test::kMs);
    for (int i = 0; i < 200; ++i) {
      round_trip(flight, 10 * engine_test::kMs);
      EXPECT_GE(flight.packets() * path_mtu, 1'250'000U);
      EXPECT_LE(flight.packets() * path_mtu, 2'500'000U);
    }
  }
}

TEST(FlightLimit, yields_a_little_and_once_per_round_trip) {
  FlightLimit flight{4096};
  for (int i = 0; i < 5; ++i) round_trip(flight, 10 * engine_test::kMs);
  ASSERT_TRUE(flight.on_gap(100 * engine_test::kMs, 10 * engine_test::kMs));
  const auto first = flight.packets();
  EXPECT_FALSE(flight.on_gap(105 * engine_test::kMs, 10 * engine_test::kMs));
  EXPECT_EQ(flight.packets(), first);
  EXPECT_TRUE(flight.on_gap(110 * engine_test::kMs, 10 * engine_test::kMs));
  EXPECT_LT(flight.packets(), first);
  EXPECT_GE(flight.packets(), first * 8 / 10);
}

TEST(FlightLimit, grows_by_the_same_amount_per_time_on_short_and_long_paths) {
  FlightLimit shorter{1024};
  FlightLimit longer{1024};
  for (FlightLimit* flight : {&shorter, &longer}) {
    for (int i = 0; i < 4; ++i) round_trip(*flight, engine_test::kMs);
    flight->on_gap(engine_test::kMs, engine_test::kMs);
  }
  for (int i = 0; i < 50; ++i) round_trip(shorter, engine_test::kMs);
  for (int i = 0; i < 5; ++i) round_trip(longer, 10 * engine_test::kMs);
  EXPECT_NEAR(static_cast<double>(shorter.packets()), static_cast<double>(longer.packets()), 2);
}

TEST(FlightLimit, does_not_grow_while_it_is_not_used) {
  FlightLimit flight{4096};
  const auto before = flight.packets();
  for (int i = 0; i < 100; ++i) flight.on_acknowledged(1, 1, engine_test::kMs);
  EXPECT_EQ(flight.packets(), before);
}

TEST(FlightLimit, never_collapses) {
  FlightLimit flight{4096};
  for (std::uint64_t i = 1; i < 100; ++i) flight.on_timeout(i * engine_test::kMs);
  EXPECT_EQ(flight.packets(), 8U);
}

}  // namespace
}  // namespace mapwire::nic_fw
