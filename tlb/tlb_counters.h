// What the TLB counts.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::tlb {

struct TlbCounters {
  Counter hits;           // look-ups that found a translation that holds
  Counter misses;         // and those that found none
  Counter refused;        // it could not be told whether it holds, as some mapping was changing
  Counter stale;          // it did not hold any more: it was found out in time
  Counter cached;         // translations made to be kept
  Counter per_operation;  // and those made for one request
  Counter copied;         // and those of a copy of the memory
  Counter not_kept;       // memory of which none may be kept, or that could not be watched
  Counter evicted;        // given up for room
  Counter reaped;         // given up as their memory had changed
  Counter would_block;    // requests refused as everything pinned is in use
  Counter failed;         // the device did not take the memory
  Counter pinned_bytes;   // now
  Counter regions;        // now

  // Counters named "tlb.<member>" in `block`; ones that count nothing if it is null.
  static TlbCounters in(CounterBlock* block);
};

}  // namespace mapwire::tlb
