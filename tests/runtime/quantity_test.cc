#include "mapwire/runtime/quantity.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string_view>

#include <gtest/gtest.h>

namespace mapwire {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Duration, every_unit_is_known) {
  EXPECT_EQ(parse_duration_ns("7ns"), 7U);
  EXPECT_EQ(parse_duration_ns("7us"), 7'000U);
  EXPECT_EQ(parse_duration_ns("500ms"), 500'000'000U);
  EXPECT_EQ(parse_duration_ns("2s"), 2'000'000'000U);
  EXPECT_EQ(parse_duration_ns("3min"), 180'000'000'000U);
  EXPECT_EQ(parse_duration_ns("1h"), 3'600'000'000'000U);
  EXPECT_EQ(parse_duration_ns("0s"), 0U);
}

TEST(Duration, a_number_without_unit_and_other_texts_are_refused) {
  for (std::string_view text : {"", "2", "s", "2 s", " 2s", "2s ", "2S", "-2s", "+2s", "1.5s",
                                "0x2s", "2sec", "2d", "nan"}) {
    EXPECT_EQ(parse_duration_ns(text), std::nullopt) << text;
  }
}

TEST(Duration, what_overflows_is_refused) {
  EXPECT_EQ(parse_duration_ns("18446744073709551615ns"), kMost);
  EXPECT_EQ(parse_duration_ns("18446744073709551616ns"), std::nullopt);
  EXPECT_EQ(parse_duration_ns("18446744073s"), 18'446'744'073'000'000'000U);
  EXPECT_EQ(parse_duration_ns("18446744074s"), std::nullopt);
  EXPECT_EQ(parse_duration_ns("99999999999999999999999h"), std::nullopt);
}

TEST(Duration, is_written_in_the_largest_unit_that_is_exact) {
  EXPECT_EQ(format_duration(0), "0s");
  EXPECT_EQ(format_duration(1), "1ns");
  EXPECT_EQ(format_duration(1'500'000'000), "1500ms");
  EXPECT_EQ(format_duration(120'000'000'000), "2min");
  EXPECT_EQ(format_duration(7'200'000'000'000), "2h");
}

TEST(Duration, what_is_written_is_read_back) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t duration_ns = random() >> random() % 64;
    ASSERT_EQ(parse_duration_ns(format_duration(duration_ns)), duration_ns);
  }
}

TEST(Size, units_are_powers_of_1024) {
  EXPECT_EQ(parse_size_bytes("0"), 0U);
  EXPECT_EQ(parse_size_bytes("1000"), 1000U);
  EXPECT_EQ(parse_size_bytes("4K"), 4096U);
  EXPECT_EQ(parse_size_bytes("4k"), 4096U);
  EXPECT_EQ(parse_size_bytes("8M"), 8'388'608U);
  EXPECT_EQ(parse_size_bytes("2GiB"), 2'147'483'648U);
  EXPECT_EQ(parse_size_bytes("1t"), 1'099'511'627'776U);
}

TEST(Size, other_texts_are_refused) {
  for (std::string_view text :
       {"", "K", "4 K", "4KK", "4KB", "4iB", "4B", "-4", "4.5K", "4P", "KiB", "4Ki", "0x10"}) {
    EXPECT_EQ(parse_size_bytes(text), std::nullopt) << text;
  }
}

TEST(Size, what_overflows_is_refused) {
  EXPECT_EQ(parse_size_bytes("18446744073709551615"), kMost);
  EXPECT_EQ(parse_size_bytes("16777215T"), 16'777'215ULL << 40);
  EXPECT_EQ(parse_size_bytes("16777216T"), std::nullopt);
}

TEST(Number, is_decimal_digits_alone) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("18446744073709551615"), kMost);
  for (std::string_view text : {"", "-1", "+1", "1 ", "1K", "18446744073709551616"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mapwire
