// The one lock of a context, and the diagnosis of its misuse without one.
#pragma once

#include <mutex>
#include <thread>

#include "mapwire/endpoints/context.h"

namespace mapwire::detail {

// BasicLockable. With Threads::kSafe a mutex; with Threads::kSingle no lock at all: then every
// caller must be the thread that made the context, and another one aborts the process with a
// message, because going on would corrupt memory silently.
class ContextLock {
 public:
  explicit ContextLock(Threads threads)
      : safe_{threads == Threads::kSafe}, owner_{std::this_thread::get_id()} {}

  void lock() {
    if (safe_) {
      mutex_.lock();
    } else if (!allows_this_thread()) {
      abort_wrong_thread();
    }
  }
  // Never fails with Threads::kSingle.
  bool try_lock() {
    if (safe_) return mutex_.try_lock();
    lock();
    return true;
  }
  void unlock() {
    if (safe_) mutex_.unlock();
  }

  // False: calls that can answer say kWrongThread.
  bool allows_this_thread() const { return safe_ || std::this_thread::get_id() == owner_; }

 private:
  [[noreturn]] static void abort_wrong_thread();

  const bool safe_;
  const std::thread::id owner_;
  std::mutex mutex_;
};

}  // namespace mapwire::detail
