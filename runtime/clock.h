// The clock of mapwire. Only the code around the NIC engine reads it; protocol code is given
// now_ns. Threads: any.
#pragma once

#include <cstdint>
#include <ctime>

namespace mapwire {

inline constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

inline std::uint64_t read_clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);  // can not fail for the clocks used here
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Nanoseconds since some moment before the boot finished; never goes back. It is one clock for all
// processes of a host, so instants may be compared between them.
inline std::uint64_t now_ns() { return read_clock_ns(CLOCK_MONOTONIC); }

// The instant of a call, read from the clock when somebody first asks for it: many calls have no
// need of it, and reading costs as much as a good part of a small message. Tests and simulators say
// an instant instead.
class Now {
 public:
  Now() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): an instant is what it stands for
  constexpr Now(std::uint64_t ns) : ns_{ns} {}

  std::uint64_t ns() {
    if (ns_ == kUnread) ns_ = now_ns();
    return ns_;
  }

 private:
  static constexpr std::uint64_t kUnread = UINT64_MAX;  // no clock gets there
  std::uint64_t ns_ = kUnread;
};

// What is to be added (modulo 2^64) to an instant of now_ns() to get nanoseconds since 1970, as
// packet captures and logs want them. Correct at the time of the call: people and NTP set the wall
// clock.
inline std::uint64_t wall_clock_offset_ns() { return read_clock_ns(CLOCK_REALTIME) - now_ns(); }

}  // namespace mapwire
