#include "mapwire/nic_fw/fault_options.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

TEST(FaultOptions, are_read_in_any_order_with_blanks) {
  const auto options = parse_fault_options(" seed=7, flip = 0.001,loss=0.01,reorder=1,duplicate=0");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->loss, 0.01);
  EXPECT_EQ(options->duplicate, 0);
  EXPECT_EQ(options->reorder, 1);
  EXPECT_EQ(options->flip, 0.001);
  EXPECT_EQ(options->seed, 7);
}

TEST(FaultOptions, of_the_empty_text_are_no_faults) {
  for (const std::string_view text : {"", "  "}) {
    const auto options = parse_fault_options(text);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->loss + options->duplicate + options->reorder + options->flip, 0);
  }
}

struct BadCase {
  std::string_view text;
  std::string_view cause;
};

class BadFaultOptions : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadFaultOptions, are_refused_with_the_cause_and_an_example) {
  const auto options = parse_fault_options(GetParam().text);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().code, Code::kBadOption);
  EXPECT_THAT(options.error().message, ::testing::HasSubstr(std::string{GetParam().cause}));
  EXPECT_THAT(options.error().message, ::testing::HasSubstr("seed=7"));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadFaultOptions,
    ::testing::Values(
        BadCase{"lost=0.1", "\"lost=0.1\" has an unknown key"},
        BadCase{"loss", "\"loss\" is not key=value"}, BadCase{"loss=0.1,", "\"\" is not key=value"},
        BadCase{",loss=0.1", "\"\" is not key=value"}, BadCase{"loss=", "\"loss=\" needs a number"},
        BadCase{"loss=one", "needs a number"}, BadCase{"loss=0.1x", "needs a number"},
        BadCase{"loss=5%", "needs a number"}, BadCase{"loss=1.5", "is outside 0..1"},
        BadCase{"flip=-0.1", "is outside 0..1"}, BadCase{"flip=nan", "is outside 0..1"},
        BadCase{"flip=inf", "is outside 0..1"}, BadCase{"seed=-1", "needs a number 0..2^64-1"},
        BadCase{"seed=18446744073709551616", "needs a number 0..2^64-1"},
        BadCase{"seed=0.5", "needs a number 0..2^64-1"},
        BadCase{"loss=0.1,loss=0.2", "\"loss=0.2\" is given twice"},
        BadCase{"Loss=0.1", "has an unknown key"}));

}  // namespace
}  // namespace mapwire::nic_fw
