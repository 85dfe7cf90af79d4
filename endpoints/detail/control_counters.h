// What the control plane counts. Its writer is whoever runs the control plane.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::detail {

struct ControlCounters {
  Counter links_accepted;        // TCP connections of peers and strangers
  Counter links_refused;         // closed at once: too many strangers, or too many links
  Counter hello_failed;          // what came first was no Hello of mapwire, or none came in time
  Counter version_mismatches;    // peers that speak another control protocol
  Counter address_translations;  // peers behind an address translation
  Counter protocol_errors;       // links closed because of a message no honest peer sends
  Counter set_ups_failed;        // requested connections that did not come to be
  Counter connections_set_up;
  Counter links_silent;  // links closed because the peer said nothing for a deadline
  Counter links_lost;    // links with connections on them that the peer closed

  // Counters named "control.<member>" in `block`; ones that count nothing if it is null.
  static ControlCounters in(CounterBlock* block);
};

}  // namespace mapwire::detail
