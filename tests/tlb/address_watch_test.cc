#include "mapwire/tlb/address_watch.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "mapwire/tlb/mapping.h"
#include "tests/tlb/pages.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;
using Verdict = AddressWatch::Verdict;

class AddressWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto watch = AddressWatch::get();
    if (!watch) GTEST_SKIP() << watch.error().message;
    watch_ = *watch;
  }

  std::optional<SlotId> add(const Range& range) {
    const auto mapping = keepable_mapping(range, true);
    if (!mapping) std::abort();
    return watch_->add(range, *mapping);
  }
  // The monitor may still be at an earlier change when the call that made it has returned.
  SlotId watched(const Range& range) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const auto slot = add(range);
      if (slot && watch_->confirm(*slot) && settled(*slot, range) == Verdict::kSame) return *slot;
      if (std::chrono::steady_clock::now() > end) std::abort();
      if (slot) watch_->remove(*slot);
    }
  }
  Verdict settled(SlotId slot, const Range& range) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    Verdict verdict = watch_->verify(slot, range);
    while (verdict == Verdict::kChanging && std::chrono::steady_clock::now() < end) {
      verdict = watch_->verify(slot, range);
    }
    return verdict;
  }
  void expect_changed(SlotId slot, const Range& range) {
    EXPECT_NE(watch_->verify(slot, range), Verdict::kSame);
    EXPECT_EQ(settled(slot, range), Verdict::kChanged);
    watch_->remove(slot);
  }

  static constexpr std::chrono::seconds kPatience{10};
  AddressWatch* watch_ = nullptr;
};

TEST_F(AddressWatchTest, what_stays_is_the_same) {
  const Pages pages{8};
  const SlotId slot = watched(pages.range());
  std::fill(pages.memory().begin(), pages.memory().end(), std::byte{1});
  ::mprotect(pages.memory().data(), kPageBytes, PROT_READ);
  ::mprotect(pages.memory().data(), kPageBytes, PROT_READ | PROT_WRITE);
  EXPECT_EQ(settled(slot, *pages_of(pages.page(3, 2))), Verdict::kSame);
  watch_->remove(slot);
}

TEST_F(AddressWatchTest, every_change_is_seen_when_its_call_returns) {
  const auto unmap = [](const Pages& pages) { ::munmap(pages.page(1).data(), kPageBytes); };
  const auto renew = [](const Pages& pages) { pages.renew(); };
  const auto discard = [](const Pages& pages) {
    ::madvise(pages.page(1).data(), kPageBytes, MADV_DONTNEED);
  };
  const auto discard_lazily = [](const Pages& pages) {
    ::madvise(pages.page(1).data(), kPageBytes, MADV_FREE);
  };
  const auto move_onto = [](const Pages& pages) {
    void* const other =
        ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::mremap(other, kPageBytes, kPageBytes, MREMAP_MAYMOVE | MREMAP_FIXED, pages.page(1).data());
  };
  const auto leave = [](const Pages& pages) {
    void* const moved = ::mremap(pages.page(1).data(), kPageBytes, kPageBytes,
                                 MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
    ::munmap(moved, kPageBytes);
  };
  for (void (*change)(const Pages&) :
       {+unmap, +renew, +move_onto, +leave, +discard, +discard_lazily}) {
    const Pages pages{3};
    const SlotId slot = watched(pages.range());
    change(pages);
    expect_changed(slot, pages.range());
    std::this_thread::sleep_for(std::chrono::milliseconds{5});  // a quarantine settles
  }
}

TEST_F(AddressWatchTest, a_reused_address_is_new_memory) {
  const Pages pages{2};
  const SlotId old = watched(pages.range());
  pages.renew();
  const SlotId fresh = watched(pages.range());
  EXPECT_NE(watch_->verify(old, pages.range()), Verdict::kSame);
  watch_->remove(old);
  EXPECT_EQ(settled(fresh, pages.range()), Verdict::kSame) << "its watch went with the old";
  watch_->remove(fresh);
}

TEST_F(AddressWatchTest, a_change_before_confirming_spoils_it) {
  const Pages pages{1};
  const auto slot = add(pages.range());
  ASSERT_TRUE(slot);
  pages.renew();
  EXPECT_FALSE(watch_->confirm(*slot));
  watch_->remove(*slot);
}

TEST_F(AddressWatchTest, discarded_memory_is_in_quarantine_until_it_is_unmapped) {
  const Pages pages{2};
  const SlotId slot = watched(pages.range());
  ::madvise(pages.memory().data(), kPageBytes, MADV_DONTNEED);
  expect_changed(slot, pages.range());  // the monitor is through with it
  EXPECT_FALSE(add(pages.range()));
  // When no other change is under way the next unmapping ends it.
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::optional<SlotId> again;
  while (!again && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    pages.renew();
    again = add(pages.range());
  }
  ASSERT_TRUE(again);
  watch_->remove(*again);
}

TEST_F(AddressWatchTest, slots_may_overlap) {
  const Pages pages{4};
  const SlotId first = watched(*pages_of(pages.page(0, 3)));
  const SlotId second = watched(*pages_of(pages.page(1, 3)));
  watch_->remove(first);
  EXPECT_EQ(settled(second, *pages_of(pages.page(1, 3))), Verdict::kSame);
  ::munmap(pages.page(2).data(), kPageBytes);
  expect_changed(second, *pages_of(pages.page(1, 3)));
}

// What nobody keeps any more costs nothing when it is unmapped: nobody has to be asked.
TEST_F(AddressWatchTest, removed_memory_is_not_watched) {
  const Pages pages{1};
  watch_->remove(watched(pages.range()));
  watch_->delay_monitor(2'000'000'000);
  const auto begin = std::chrono::steady_clock::now();
  pages.renew();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{1});
  watch_->delay_monitor(0);
}

TEST_F(AddressWatchTest, moved_memory_can_be_kept_at_its_new_place) {
  const Pages pages{1};
  const Pages target{1};
  const SlotId slot = watched(pages.range());
  ::mremap(pages.memory().data(), kPageBytes, kPageBytes, MREMAP_MAYMOVE | MREMAP_FIXED,
           target.memory().data());
  expect_changed(slot, pages.range());
  const SlotId again = watched(target.range());
  EXPECT_EQ(settled(again, target.range()), Verdict::kSame);
  target.renew();
  expect_changed(again, target.range());
}

TEST_F(AddressWatchTest, subscribers_hear_of_deaths) {
  const int fd = watch_->subscribe();
  ASSERT_GE(fd, 0);
  const Pages pages{1};
  const auto before = watch_->deaths();
  const SlotId slot = watched(pages.range());
  pages.renew();
  std::uint64_t count = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (::read(fd, &count, sizeof(count)) < 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_GT(count, 0U);
  EXPECT_GT(watch_->deaths(), before);
  EXPECT_TRUE(watch_->dead(slot));
  watch_->remove(slot);
  watch_->unsubscribe(fd);
}

// The descriptors that a child inherits still act on its parent's memory.
TEST_F(AddressWatchTest, a_child_keeps_nothing_of_its_parents) {
  const Pages pages{1};
  const SlotId slot = watched(pages.range());
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refuses = watch_->verify(slot, pages.range()) == Verdict::kChanged &&
                         !watch_->add(pages.range(), pages.range());
    pages.renew();  // and waits for nobody
    ::_exit(refuses ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(settled(slot, pages.range()), Verdict::kSame);
  watch_->remove(slot);
}

// mremap(2) wants one mapping: a program must not notice that a part of its own is kept.
TEST_F(AddressWatchTest, a_mapping_of_which_a_part_is_kept_can_be_moved_as_a_whole) {
  const Pages pages{64};
  const SlotId slot = watched(*pages_of(pages.page(7, 2)));
  void* const moved = ::mremap(pages.memory().data(), pages.memory().size(),
                               2 * pages.memory().size(), MREMAP_MAYMOVE);
  ASSERT_NE(moved, MAP_FAILED);
  ::munmap(moved, 2 * pages.memory().size());
  expect_changed(slot, *pages_of(pages.page(7, 2)));
}

// A part of a mapping that grew was no longer watched, or the watch of a part ended, and the next
// mremap(2) of the program failed with EFAULT.
TEST_F(AddressWatchTest, a_mapping_that_grew_while_it_moved_can_be_moved_again) {
  const Pages pages{16};
  const SlotId slot = watched(pages.range());
  void* memory = pages.memory().data();
  for (std::size_t size = 16; size < 256; size *= 2) {
    const Pages in_the_way{1};
    memory = ::mremap(memory, size * kPageBytes, 2 * size * kPageBytes, MREMAP_MAYMOVE);
    ASSERT_NE(memory, MAP_FAILED) << size << ": " << errno;
  }
  ::munmap(memory, 256 * kPageBytes);
  watch_->remove(slot);
}

TEST_F(AddressWatchTest, a_mapping_that_grew_in_its_place_can_be_moved_when_its_watch_has_ended) {
  constexpr std::size_t kBefore = 16 * kPageBytes;
  constexpr std::size_t kAfter = 32 * kPageBytes;
  void* const begin =
      ::mmap(nullptr, 2 * kAfter, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(begin, MAP_FAILED);
  ::munmap(static_cast<std::byte*>(begin) + kBefore, 2 * kAfter - kBefore);
  const SlotId slot = watched(*pages_of({static_cast<std::byte*>(begin), kBefore}));
  const bool grew = ::mremap(begin, kBefore, kAfter, 0) == begin;
  watch_->remove(slot);
  if (!grew) {
    ::munmap(begin, kBefore);
    GTEST_SKIP() << "something else of this process has taken the place behind the mapping";
  }
  void* const moved = ::mremap(begin, kAfter, 4 * kAfter, MREMAP_MAYMOVE);
  ASSERT_NE(moved, MAP_FAILED) << errno;
  ::munmap(moved, 4 * kAfter);
}

// Whoever unmaps waits for the monitor, which must not wait for whoever holds a lock meanwhile.
TEST_F(AddressWatchTest, many_threads_watch_and_unmap_at_once) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const Pages pages{2};
        const auto slot = add(pages.range());
        if (!slot) continue;
        if (watch_->confirm(*slot)) watch_->verify(*slot, pages.range());
        pages.renew();
        EXPECT_NE(watch_->verify(*slot, pages.range()), Verdict::kSame);
        watch_->remove(*slot);
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds{500});
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace mapwire::tlb
