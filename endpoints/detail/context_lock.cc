#include "mapwire/endpoints/detail/context_lock.h"

#include <cstdio>
#include <cstdlib>

namespace mapwire::detail {

// Whoever has slept takes it as awaited, since others may sleep still; at worst somebody is woken
// for nothing. True: it is ours.
bool ContextLock::take_if(std::uint32_t found, bool impatient) {
  const bool ours = found == kFree || (found == kHanded && impatient);
  if (!ours && found != kTaken) return false;
  return state_.compare_exchange_strong(found, kAwaited, std::memory_order_acquire) && ours;
}

void ContextLock::sleep() {
  const auto since = std::chrono::steady_clock::now();
  bool impatient = false;
  for (;;) {
    const std::uint32_t found = state_.load(std::memory_order_relaxed);
    if (take_if(found, impatient)) break;
    if (found == kAwaited || found == kHanded) state_.wait(found);
    if (!impatient && std::chrono::steady_clock::now() - since > kPatience) {
      impatient = true;
      impatient_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (impatient) impatient_.fetch_sub(1, std::memory_order_relaxed);
}

// To all, as the one that is woken may not be impatient.
void ContextLock::hand_over() {
  state_.store(kHanded, std::memory_order_release);
  state_.notify_all();
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
