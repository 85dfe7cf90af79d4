// How long somebody was there who looks again and again. Between two looks that lie far apart the
// process or its machine was stopped; what did not come meanwhile is no sign of a silent peer.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace mapwire::detail {

class Presence {
 public:
  // What passes between two looks counts up to this.
  static constexpr std::uint64_t kAwayNs = 100'000'000;

  explicit Presence(std::uint64_t now_ns) : looked_ns_{now_ns} {}
  // A look, not before the last one. Returns how long it was there so far.
  std::uint64_t look(std::uint64_t now_ns) {
    return present_ns_ += std::min(now_ns - std::exchange(looked_ns_, now_ns), kAwayNs);
  }

 private:
  std::uint64_t looked_ns_;
  std::uint64_t present_ns_ = 0;
};

}  // namespace mapwire::detail
