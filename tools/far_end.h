// The far end of a baseline: a thread on the other CPU, and the wait for it.
#pragma once

#include <expected>
#include <functional>
#include <stop_token>
#include <string_view>
#include <thread>

#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/error.h"

namespace mapwire::tools {

// Runs loop(stop) in a thread that is bound to `processor` by the time this returns. The loop has
// to return soon after stop.stop_requested(), as when the handle is destroyed. Errors: kSystemCall
// (the thread cannot be bound there: two threads on one CPU would measure the scheduler).
std::expected<std::jthread, Error> start_far_end(int processor,
                                                 std::function<void(const std::stop_token&)> loop);

// Bounds a wait that polls, at the cost of counting.
class Patience {
 public:
  // To be asked after each look in vain. True: the wait has lasted for seconds.
  bool has_ended() {
    if (++looks_ % kLooksPerReading != 0) return false;
    const std::uint64_t time_ns = now_ns();
    if (end_ns_ == 0) end_ns_ = time_ns + kPatienceNs;
    return time_ns >= end_ns_;
  }

 private:
  // So many that what is waited for has mostly come before the clock is read.
  static constexpr std::uint64_t kLooksPerReading = 1 << 16;
  // Longer than a busy machine keeps a thread from its CPU.
  static constexpr std::uint64_t kPatienceNs = 5'000'000'000;
  std::uint64_t looks_ = 0;
  std::uint64_t end_ns_ = 0;
};

// What a baseline answers when the far end did not.
Error far_end_silent(std::string_view baseline);

}  // namespace mapwire::tools
