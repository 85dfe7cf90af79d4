// What the shm wire counts.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::nic_fw::shm {

struct Counters {
  Counter connections;
  Counter cells_received;
  Counter payload_bytes_received;
  Counter dropped;    // cells for no queue pair of their sender, or of no kind
  Counter not_ready;  // messages that found no receive
  Counter refused;    // requests refused at this target
  Counter rings_corrupt;

  // Counters named "shm.<member>" in `block`; ones that count nothing if it is null.
  static Counters in(CounterBlock* block);
};

}  // namespace mapwire::nic_fw::shm
