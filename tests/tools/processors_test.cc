#include "tools/processors.h"

#include <gtest/gtest.h>

namespace mapwire::tools {
namespace {

TEST(processors, runs_are_shortened) {
  EXPECT_EQ(format_processors({}), "");
  EXPECT_EQ(format_processors({3}), "3");
  EXPECT_EQ(format_processors({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
}

TEST(processors, the_two_ends_get_different_ones_of_those_allowed) {
  const auto allowed = allowed_processors();
  ASSERT_FALSE(allowed.empty());
  const auto two = two_processors();
  ASSERT_EQ(two.has_value(), allowed.size() > 1);
  if (two) {
    EXPECT_NE(two->first, two->second);
  }
}

}  // namespace
}  // namespace mapwire::tools
