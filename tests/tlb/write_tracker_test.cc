#include "mapwire/tlb/write_tracker.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/tlb/pages.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;

class WriteTrackerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string obstacle = obstacle_to_tracking(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
  }
  void store(std::size_t page) const { pages_.page(page)[17] = std::byte{1}; }
  // Numbers of pages.
  std::vector<std::size_t> collect(WriteTracker& tracker, const Pages& pages) const {
    std::vector<Range> stored;
    tracker.collect(stored);
    std::vector<std::size_t> numbers;
    for (const Range& range : stored) {
      for (auto at = range.begin; at < range.end; at += kPageBytes) {
        numbers.push_back((at - pages.range().begin) / kPageBytes);
      }
    }
    return numbers;
  }
  std::vector<std::size_t> collect(WriteTracker& tracker) const { return collect(tracker, pages_); }

  using Numbers = std::vector<std::size_t>;
  const Pages pages_{8};
};

TEST_F(WriteTrackerTest, tells_which_pages_were_stored_to_since_the_last_call) {
  store(5);
  WriteTracker tracker{pages_.range()};
  ASSERT_TRUE(tracker.told());
  collect(tracker);
  EXPECT_EQ(collect(tracker), Numbers{});
  store(2);
  store(3);
  store(7);
  EXPECT_EQ(collect(tracker), (Numbers{2, 3, 7}));
  EXPECT_EQ(collect(tracker), Numbers{});
  store(3);
  EXPECT_EQ(collect(tracker), Numbers{3});
}

TEST_F(WriteTrackerTest, tells_the_first_store_to_a_page_that_was_never_there) {
  WriteTracker tracker{pages_.range()};
  collect(tracker);
  store(6);
  EXPECT_EQ(collect(tracker), Numbers{6});
}

TEST_F(WriteTrackerTest, tells_what_a_system_call_writes) {
  WriteTracker tracker{pages_.range()};
  collect(tracker);
  const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::read(zeros, pages_.page(4).data(), 10), 10);
  ::close(zeros);
  EXPECT_EQ(collect(tracker), Numbers{4});
}

TEST_F(WriteTrackerTest, tells_more_ranges_than_the_kernel_gives_at_once) {
  const Pages many{1000};
  WriteTracker tracker{many.range()};
  collect(tracker, many);
  Numbers odd;
  for (std::size_t page = 1; page < 1000; page += 2) {
    many.page(page)[0] = std::byte{1};
    odd.push_back(page);
  }
  EXPECT_EQ(collect(tracker, many), odd);
  EXPECT_LE(odd.size(), tracker.ranges_max());
}

TEST_F(WriteTrackerTest, tells_stores_to_shared_memory) {
  void* const shared =
      ::mmap(nullptr, 4 * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const Range range{.begin = reinterpret_cast<std::uintptr_t>(shared),
                    .end = reinterpret_cast<std::uintptr_t>(shared) + 4 * kPageBytes};
  WriteTracker tracker{range};
  ASSERT_TRUE(tracker.told());
  std::vector<Range> stored;
  tracker.collect(stored);
  range.memory()[kPageBytes] = std::byte{1};
  tracker.collect(stored);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored.front(),
            (Range{.begin = range.begin + kPageBytes, .end = range.begin + 2 * kPageBytes}));
  ::munmap(shared, range.bytes());
}

TEST_F(WriteTrackerTest, memory_mapped_anew_counts_as_stored_to_each_time) {
  WriteTracker tracker{pages_.range()};
  collect(tracker);
  pages_.renew();
  EXPECT_EQ(collect(tracker).size(), 8U);
  EXPECT_FALSE(tracker.told());
  EXPECT_EQ(collect(tracker).size(), 8U);
}

TEST_F(WriteTrackerTest, memory_that_another_watches_counts_as_stored_to_each_time) {
  WriteTracker first{pages_.range()};
  WriteTracker second{pages_.range()};
  EXPECT_FALSE(second.told());
  collect(first);
  collect(second);
  EXPECT_EQ(collect(first), Numbers{});
  EXPECT_EQ(collect(second).size(), 8U);
}

}  // namespace
}  // namespace mapwire::tlb
