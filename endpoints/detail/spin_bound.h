// How long a waiting call looks for completions before it sleeps: as long as it is worth it. Going
// to sleep and being woken costs some microseconds, which who waits for less would rather spend
// looking; who waits for longer spends the CPU for nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace mapwire::detail {

// Grows by waits that would have ended within the most it may become, falls to nothing by longer
// ones: as the kernel does it for halted virtual CPUs (Documentation/virt/kvm/halt-polling.rst).
//
// Threads: any. Calls at the same time may lose one another's news, which costs a wait or two.
class SpinBound {
 public:
  // 0: never spins.
  explicit SpinBound(std::uint64_t max_ns) : max_ns_{max_ns} {}

  std::uint64_t ns() const { return ns_.load(std::memory_order_relaxed); }

  // A wait was over after `waited_ns`, because what was waited for came, or without it.
  void on_wait(std::uint64_t waited_ns, bool came) {
    const std::uint64_t now = ns();
    if (came && waited_ns <= now) return;  // spinning sufficed
    set(came && waited_ns <= max_ns_ ? std::max(kFirstNs, 2 * now) : now / 2);
  }

 private:
  static constexpr std::uint64_t kFirstNs = 5'000;  // about what sleeping and waking costs

  void set(std::uint64_t ns) {
    const std::uint64_t bound = ns < kFirstNs ? 0 : std::min(ns, max_ns_);
    ns_.store(bound, std::memory_order_relaxed);
  }

  const std::uint64_t max_ns_;
  std::atomic<std::uint64_t> ns_ = 0;
};

}  // namespace mapwire::detail
