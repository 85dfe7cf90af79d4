#include "mapwire/endpoints/detail/presence.h"

#include <gtest/gtest.h>

namespace mapwire::detail {
namespace {

TEST(PresenceTest, counts_what_passes_between_looks) {
  Presence presence{1000};
  EXPECT_EQ(presence.look(1000), 0U);
  EXPECT_EQ(presence.look(1500), 500U);
  EXPECT_EQ(presence.look(1500 + Presence::kAwayNs), 500 + Presence::kAwayNs);
}

TEST(PresenceTest, does_not_count_the_time_of_a_stopped_machine) {
  Presence presence{0};
  EXPECT_EQ(presence.look(3'600'000'000'000), Presence::kAwayNs);
  EXPECT_EQ(presence.look(3'600'000'000'007), Presence::kAwayNs + 7);
}

}  // namespace
}  // namespace mapwire::detail
