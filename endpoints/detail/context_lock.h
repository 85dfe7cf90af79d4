// The one lock of a context, and the diagnosis of its misuse without one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "mapwire/endpoints/context.h"

namespace mapwire::detail {

// Lockable. With Threads::kSafe a mutex; with Threads::kSingle no lock at all: then every
// caller must be the thread that made the context, and another one aborts the process with a
// message, because going on would corrupt memory silently.
//
// Not std::mutex, whose two calls into the C library cost as much as the rest of an empty poll:
// what is never contended is one atomic exchange here, without a call. Who finds it taken sleeps.
//
// Threads that poll without a pause take it again before one that sleeps has woken. Who has waited
// for kPatience is therefore handed it: the helper thread would else be kept from its keep-alives
// until the peer gives this process up.
class ContextLock {
 public:
  explicit ContextLock(Threads threads)
      : safe_{threads == Threads::kSafe}, owner_{std::this_thread::get_id()} {}

  void lock() {
    if (safe_) {
      std::uint32_t found = kFree;
      if (!state_.compare_exchange_strong(found, kTaken, std::memory_order_acquire)) sleep();
    } else if (!allows_this_thread()) {
      abort_wrong_thread();
    }
  }
  // Never fails with Threads::kSingle.
  bool try_lock() {
    if (!safe_) {
      lock();
      return true;
    }
    std::uint32_t found = kFree;
    return state_.compare_exchange_strong(found, kTaken, std::memory_order_acquire);
  }
  void unlock() {
    if (!safe_) return;
    if (impatient_.load(std::memory_order_relaxed) != 0) {
      hand_over();
    } else if (state_.exchange(kFree, std::memory_order_release) == kAwaited) {
      wake();
    }
  }

  static constexpr std::chrono::milliseconds kPatience{20};

  // False: calls that can answer say kWrongThread.
  bool allows_this_thread() const { return safe_ || std::this_thread::get_id() == owner_; }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kTaken = 1;
  static constexpr std::uint32_t kAwaited = 2;  // taken, and somebody may sleep
  static constexpr std::uint32_t kHanded = 3;   // free, but for the impatient alone

  [[gnu::cold, gnu::noinline]] void sleep();  // until it is ours
  [[gnu::cold, gnu::noinline]] void wake();   // one of those that sleep
  [[gnu::cold, gnu::noinline]] void hand_over();
  bool take_if(std::uint32_t found, bool impatient);
  [[noreturn, gnu::cold, gnu::noinline]] static void abort_wrong_thread();

  const bool safe_;
  const std::thread::id owner_;
  std::atomic<std::uint32_t> state_ = kFree;
  std::atomic<std::uint32_t> impatient_ = 0;  // that sleep
};

}  // namespace mapwire::detail
