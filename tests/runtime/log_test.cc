#include "mapwire/runtime/log.h"

#include <unistd.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapwire {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class Log : public ::testing::Test {
 public:
  ~Log() override { set_log_level(LogLevel::kWarn); }
};

TEST_F(Log, a_line_has_time_pid_tid_level_and_text) {
  ::testing::internal::CaptureStderr();
  log(LogLevel::kWarn, "{} of {}", 1, "two");
  const std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(line, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}[+-][0-9:]{5} "
                                 "[0-9]+ [0-9]+ warning 1 of two\n"));
  EXPECT_THAT(line, HasSubstr(" " + std::to_string(getpid()) + " "));
}

TEST_F(Log, levels_that_are_less_urgent_are_dropped) {
  ::testing::internal::CaptureStderr();
  log(LogLevel::kInfo, "dropped");
  EXPECT_FALSE(log_enabled(LogLevel::kInfo));
  set_log_level(LogLevel::kDebug);
  log(LogLevel::kDebug, "written");
  set_log_level(LogLevel::kError);
  log(LogLevel::kWarn, "dropped");
  const std::string lines = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("written"));
  EXPECT_THAT(lines, Not(HasSubstr("dropped")));
}

TEST_F(Log, control_characters_can_not_forge_lines) {
  ::testing::internal::CaptureStderr();
  log(LogLevel::kError, "a\nb\x1b[2Jc{}", '\0');
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("a?b?[2Jc?\n"));
}

}  // namespace
}  // namespace mapwire
