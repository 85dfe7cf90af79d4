// Says once per gap that a packet is missing. A gap is signalled again only when the sender has
// evidently gone back and lost the same packet again: the numbers that arrive behind the gap then
// start over (IBTA 9.7.5.1.5 allows one NAK per gap).
#pragma once

#include "mapwire/nic_fw/psn.h"

namespace mapwire::nic_fw {

class GapLatch {
 public:
  // `psn` arrived while `expected` < `psn` was due. Whether to signal the gap.
  bool should_signal(Psn expected, Psn psn) {
    const bool same_gap = gap_ == expected;
    const bool started_over = psn <= last_ahead_;
    gap_ = expected;
    last_ahead_ = psn;
    return !same_gap || started_over;
  }

  // The sender was told by other means (RNR NAK) to come back with `expected`: what it sent behind
  // is no gap.
  void expect_return(Psn expected) {
    gap_ = expected;
    last_ahead_ = expected;
  }

 private:
  Psn gap_ = 0;  // the missing packet; extended PSNs are never 0
  Psn last_ahead_ = 0;
};

}  // namespace mapwire::nic_fw
