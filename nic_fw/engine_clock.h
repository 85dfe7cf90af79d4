// The engine's clock: the caller's, less the time in which nobody drove the engine.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mapwire::nic_fw {

// A process that is stopped, swapped out or in a paused virtual machine finds all its deadlines
// passed when it goes on, though it neither repeated anything nor listened meanwhile. Such a time
// says nothing of the peer, so no timer of the engine counts it.
class EngineClock {
 public:
  // Takes the caller's time over, while the engine's first timer is due at `due_ns` of the engine's
  // time (UINT64_MAX: none runs). The engine's time never goes back.
  void advance(std::uint64_t caller_ns, std::uint64_t due_ns) {
    const std::uint64_t before_ns = now_ns_;
    now_ns_ = std::max(caller_ns - paused_ns_, before_ns);
    // Calls that run no timers may have come since the timer was due: only the time since the last
    // of them was a pause.
    const std::uint64_t pause_start_ns = std::max(due_ns, before_ns);
    if (now_ns_ <= pause_start_ns || now_ns_ - pause_start_ns <= kPauseMinNs) return;
    paused_ns_ += now_ns_ - pause_start_ns;
    now_ns_ = pause_start_ns;
  }

  std::uint64_t now_ns() const { return now_ns_; }

  // The caller's time of an instant of the engine's; UINT64_MAX stays what it is.
  std::uint64_t to_caller(std::uint64_t engine_ns) const {
    return engine_ns == UINT64_MAX ? engine_ns : engine_ns + paused_ns_;
  }

 private:
  // A timer run later than this was not waited for. Longer than schedulers make a thread wait,
  // shorter than any deadline of use.
  static constexpr std::uint64_t kPauseMinNs = 250'000'000;

  std::uint64_t now_ns_ = 0;
  std::uint64_t paused_ns_ = 0;  // in all
};

}  // namespace mapwire::nic_fw
