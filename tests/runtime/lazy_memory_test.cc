#include "mapwire/runtime/lazy_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

namespace mapwire {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kPages = 1000;

std::ptrdiff_t resident_pages(const LazyMemory& memory) {
  std::array<unsigned char, kPages> pages{};
  EXPECT_EQ(mincore(memory.bytes().data(), memory.bytes().size(), pages.data()), 0);
  return std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; });
}

TEST(LazyMemory, is_there_where_it_was_written_and_nowhere_else) {
  const LazyMemory memory{kPages * kPageBytes};
  EXPECT_EQ(resident_pages(memory), 0);
  for (const std::size_t page : {5U, 6U, 900U}) memory.bytes()[page * kPageBytes] = std::byte{1};
  EXPECT_EQ(resident_pages(memory), 3);
}

TEST(LazyMemory, moving_hands_it_over) {
  LazyMemory first{100};
  first.bytes()[7] = std::byte{7};
  LazyMemory second{std::move(first)};
  EXPECT_EQ(second.bytes()[7], std::byte{7});
  LazyMemory third{100};
  third = std::move(second);
  EXPECT_EQ(third.bytes()[7], std::byte{7});
}

TEST(LazyMemory, may_be_none) { EXPECT_TRUE(LazyMemory{0}.bytes().empty()); }

TEST(LazyArray, begins_as_zero_bytes) {
  struct LazyEntry {
    std::uint64_t number = 9;
    bool flag = true;
  };
  LazyArray<LazyEntry> array{100};
  ASSERT_EQ(array.size(), 100U);
  EXPECT_TRUE(std::ranges::all_of(
      array.entries(), [](const LazyEntry& entry) { return entry.number == 0 && !entry.flag; }));
  array[99].number = 3;
  EXPECT_EQ(array.entries().back().number, 3U);
}

}  // namespace
}  // namespace mapwire
