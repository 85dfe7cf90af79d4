// Says once per gap that a packet is missing (IBTA 9.7.5.1.5 allows one NAK per gap). A gap is
// signalled again only when the sender has evidently gone back and lost the same packet again: what
// had come behind the gap comes once more. Packets that overtake each other do not show that.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/psn.h"

namespace mapwire::nic_fw {

class GapLatch {
 public:
  // `psn` arrived while `expected` <= `psn` was due. Whether to signal the gap.
  bool should_signal(Psn expected, Psn psn) {
    const bool signal = gap_ != expected || came_before(psn);
    if (signal) expect_return(expected);
    note(psn);
    return signal;
  }

  // The sender was told to come back with `expected`, here or by other means (RNR NAK): what it
  // sent behind is no further gap.
  void expect_return(Psn expected) {
    gap_ = expected;
    came_ = 0;
    last_far_ = 0;
  }

 private:
  // Of the packets next to the gap each is remembered. Of those farther behind only the last is, so
  // that there one that was overtaken counts as one that comes again.
  static constexpr Psn kNear = 64;

  bool came_before(Psn psn) const {
    const Psn offset = psn - gap_;
    return offset < kNear ? ((came_ >> offset) & 1) != 0 : psn <= last_far_;
  }
  void note(Psn psn) {
    const Psn offset = psn - gap_;
    if (offset < kNear) {
      came_ |= std::uint64_t{1} << offset;
    } else {
      last_far_ = std::max(last_far_, psn);
    }
  }

  Psn gap_ = 0;             // the missing packet; extended PSNs are never 0
  std::uint64_t came_ = 0;  // bit i: packet gap_ + i came
  Psn last_far_ = 0;
};

}  // namespace mapwire::nic_fw
