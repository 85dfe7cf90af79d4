#include "mapwire/runtime/detail/process_stat.h"

#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

namespace mapwire::detail {
namespace {

// The fields after the name, up to the start at 77 and one more.
const std::string kFields = " S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 77 23";

TEST(ProcessStat, the_name_may_hold_blanks_and_parentheses) {
  const auto stat = parse_process_stat("12 (a) S 1 (b)" + kFields);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->program, "a) S 1 (b");
  EXPECT_EQ(stat->start, 77U);
}

TEST(ProcessStat, a_name_can_not_steer_the_terminal) {
  EXPECT_EQ(parse_process_stat("12 (\x1b[2J\n)" + kFields)->program, "?[2J?");
}

TEST(ProcessStat, what_is_cut_short_is_none) {
  for (const char* text : {"", "12", "12 (a", "12 )a( S", "12 (a)", "12 (a) S 3 4"}) {
    EXPECT_FALSE(parse_process_stat(text).has_value()) << text;
  }
}

TEST(ProcessStat, of_this_process_is_known_by_either_name) {
  const auto self = read_process_stat("self");
  const auto by_pid = read_process_stat(std::to_string(getpid()));
  ASSERT_TRUE(self && by_pid);
  EXPECT_EQ(self->program, "runtime_tests");
  EXPECT_EQ(self->start, by_pid->start);
  EXPECT_EQ(user_of_process(getpid()), geteuid());
}

TEST(ProcessStat, of_no_process_is_nothing) {
  EXPECT_FALSE(read_process_stat("0").has_value());
  EXPECT_FALSE(user_of_process(0).has_value());
}

}  // namespace
}  // namespace mapwire::detail
