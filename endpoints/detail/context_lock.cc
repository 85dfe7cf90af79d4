#include "mapwire/endpoints/detail/context_lock.h"

#include <cstdio>
#include <cstdlib>

namespace mapwire::detail {

// Whoever has slept takes it as awaited, since others may sleep still; at worst somebody is woken
// for nothing.
void ContextLock::sleep() {
  while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) state_.wait(kAwaited);
}

void ContextLock::wake() { state_.notify_one(); }

void ContextLock::abort_wrong_thread() {
  std::fputs(
      "mapwire: a context made with Threads::kSingle was used by another thread than the one that "
      "made it; make it with Threads::kSafe, or one context per thread\n",
      stderr);
  std::abort();
}

}  // namespace mapwire::detail
