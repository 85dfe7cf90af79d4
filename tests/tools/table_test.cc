#include "tools/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

namespace mapwire::tools {
namespace {

using ::testing::ElementsAre;

constexpr std::array<Column, 3> kColumns{{{"#bytes", 0}, {"t_min[usec]"}, {"rate", 6}}};

std::vector<std::string> words(const std::string& line) {
  std::istringstream in{line};
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

TEST(table, titles_and_numbers_end_in_the_same_column) {
  const std::array<double, 3> values{64, 2.345, 0.5};
  const std::string header = table_header(kColumns);
  const std::string row = table_row(kColumns, values);
  EXPECT_EQ(header.size(), row.size());
  EXPECT_EQ(header.find("#bytes") + 6, row.find("64") + 2);
  EXPECT_EQ(header.find("t_min[usec]") + 11, row.find("2.3") + 4);
}

TEST(table, numbers_have_the_decimals_of_their_column) {
  const std::array<double, 3> values{8388608, 2.346, 0.5};
  EXPECT_THAT(words(table_row(kColumns, values)), ElementsAre("8388608", "2.35", "0.500000"));
}

TEST(table, a_number_too_wide_does_not_touch_its_neighbour) {
  const std::array<double, 3> values{1e18, 123456789012.0, 7e9};
  EXPECT_THAT(words(table_row(kColumns, values)),
              ElementsAre("1000000000000000000", "123456789012.00", "7000000000.000000"));
}

}  // namespace
}  // namespace mapwire::tools
