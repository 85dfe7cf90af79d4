#include "mapwire/endpoints/detail/context_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace mapwire::detail {
namespace {

TEST(ContextLockTest, keeps_others_out) {
  ContextLock lock{Threads::kSafe};
  std::uint64_t count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100'000; ++j) {
        const std::lock_guard guard{lock};
        ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 400'000U);
}

// Who polls without a pause does not keep it from one that waits.
TEST(ContextLockTest, is_handed_to_who_has_waited_long) {
  ContextLock lock{Threads::kSafe};
  std::atomic<bool> done = false;
  lock.lock();
  std::thread waiter{[&] {
    const std::lock_guard guard{lock};
    while (!done) std::this_thread::yield();
  }};
  // As long as the waiter sleeps it notices nothing, so that it is to be woken once or twice.
  bool handed = false;
  for (int round = 0; round < 10 && !handed; ++round) {
    std::this_thread::sleep_for(2 * ContextLock::kPatience);
    lock.unlock();
    handed = !lock.try_lock();
  }
  EXPECT_TRUE(handed);
  if (!handed) lock.unlock();
  done = true;
  waiter.join();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(ContextLockTest, is_taken_by_many_that_have_waited_long) {
  ContextLock lock{Threads::kSafe};
  lock.lock();
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const std::lock_guard guard{lock};
      ++served;
    });
  }
  for (int round = 0; round < 4; ++round) {
    std::this_thread::sleep_for(2 * ContextLock::kPatience);
    lock.unlock();
    lock.lock();
  }
  lock.unlock();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, 4);
}

}  // namespace
}  // namespace mapwire::detail
