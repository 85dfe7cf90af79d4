// What the data path counts.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::detail {

struct PathCounters {
  Counter credit_would_block;  // sends refused because the peer had granted no credits
  Counter queue_would_block;   // posts refused because their queue was full
  Counter credit_updates;      // grants told by a write of their own
  Counter late_receives;       // posted without room to pin their memory
  Counter sent_in_pieces;      // messages that were not sent as a whole
  Counter received_in_pieces;
  Counter leases_granted;  // to importers, of parts of our exports
  Counter leases_recalled;
  Counter endpoints_failed;  // ended by anything but a close on this side
  Counter helper_serves;     // times the helper thread served the NIC

  // Counters named "endpoint.<member>" in `block`; ones that count nothing if it is null.
  static PathCounters in(CounterBlock* block);
};

}  // namespace mapwire::detail
