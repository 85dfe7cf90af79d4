// What the communication manager counts.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::nic_fw {

struct CmCounters {
  Counter mads_sent;
  Counter mads_received;
  Counter dropped_malformed;  // no message of the communication manager
  Counter dropped_unknown;    // about no connection that is known
  Counter dropped_full;       // the queue of MADs to send was full
  Counter repeated;           // messages sent again for want of an answer
  Counter duplicates;         // requests and replies seen before
  Counter requests_refused;   // of peers: no such service, no room, not supported
  Counter timeouts;           // connections given up
  Counter stale;              // connections whose peer has used its queue pair anew

  // Counters named "cm.<member>" in `block`; ones that count nothing if it is null.
  static CmCounters in(CounterBlock* block);
};

}  // namespace mapwire::nic_fw
