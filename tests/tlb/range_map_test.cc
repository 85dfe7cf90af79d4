#include "mapwire/tlb/range_map.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mapwire::tlb {
namespace {

constexpr Range pages(std::uintptr_t first, std::uintptr_t count) {
  return {.begin = first * kPageBytes, .end = (first + count) * kPageBytes};
}

TEST(RangeMapTest, an_empty_map_finds_nothing) {
  RangeMap map{16};
  EXPECT_EQ(map.find(pages(1, 1)), RangeMap::kNone);
  EXPECT_EQ(map.find({.begin = 0, .end = kPageBytes}), RangeMap::kNone);
}

TEST(RangeMapTest, finds_what_contains_the_request_and_nothing_else) {
  RangeMap map{16};
  map.insert(3, pages(10, 4));
  EXPECT_EQ(map.find(pages(10, 4)), 3U);
  EXPECT_EQ(map.find(pages(12, 2)), 3U);
  EXPECT_EQ(map.find(pages(9, 2)), RangeMap::kNone);
  EXPECT_EQ(map.find(pages(13, 2)), RangeMap::kNone);
  EXPECT_EQ(map.find(pages(14, 1)), RangeMap::kNone);
}

TEST(RangeMapTest, what_was_erased_is_not_found_by_either_way) {
  RangeMap map{16};
  map.insert(3, pages(10, 4));
  ASSERT_EQ(map.find(pages(11, 1)), 3U);
  map.erase(3);
  EXPECT_EQ(map.find(pages(11, 1)), RangeMap::kNone);
  EXPECT_EQ(map.find(pages(10, 4)), RangeMap::kNone);
  map.insert(3, pages(20, 1));
  EXPECT_EQ(map.find(pages(11, 1)), RangeMap::kNone);
  EXPECT_EQ(map.size(), 1U);
}

TEST(RangeMapTest, ranges_may_overlap_and_begin_together) {
  RangeMap map{16};
  map.insert(0, pages(10, 1));
  map.insert(1, pages(10, 8));
  map.insert(2, pages(11, 2));
  EXPECT_EQ(map.find(pages(10, 6)), 1U);
  EXPECT_EQ(map.find(pages(14, 2)), 1U);
  map.erase(1);
  EXPECT_EQ(map.find(pages(10, 1)), 0U);
  EXPECT_EQ(map.find(pages(14, 2)), RangeMap::kNone);
}

TEST(RangeMapTest, agrees_with_a_search_of_all) {
  constexpr std::size_t kSize = 64;
  std::mt19937 random{7};
  RangeMap map{kSize};
  std::vector<Range> held(kSize);
  for (int step = 0; step < 20'000; ++step) {
    const auto id = static_cast<std::uint32_t>(random() % kSize);
    if (held[id].bytes() == 0) {
      held[id] = pages(id * 8 + random() % 4, 1 + random() % 4);  // apart from the others
      map.insert(id, held[id]);
    } else if (random() % 4 == 0) {
      map.erase(id);
      held[id] = {};
    }
    const Range wanted = pages(random() % (kSize * 8), 1 + random() % 2);
    std::uint32_t expected = RangeMap::kNone;
    for (std::uint32_t i = 0; i < kSize; ++i) {
      if (held[i].contains(wanted)) expected = i;
    }
    ASSERT_EQ(map.find(wanted), expected) << "step " << step;
  }
}

TEST(PagesOfTest, rounds_out_and_refuses_the_end_of_addresses) {
  const auto at = [](std::uintptr_t address, std::size_t bytes) {
    return pages_of({reinterpret_cast<const std::byte*>(address), bytes});
  };
  EXPECT_EQ(at(4095, 2), pages(0, 2));
  EXPECT_EQ(at(4096, 4096), pages(1, 1));
  EXPECT_EQ(at(4096, 0), std::nullopt);
  EXPECT_EQ(at(UINTPTR_MAX - 10, 100), std::nullopt);
  EXPECT_EQ(at(UINTPTR_MAX - 4096, 4000), std::nullopt);
  EXPECT_EQ(at(8192, UINTPTR_MAX), std::nullopt);
}

}  // namespace
}  // namespace mapwire::tlb
