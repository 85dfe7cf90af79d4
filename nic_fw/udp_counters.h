// What the UDP wire counts.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::nic_fw {

struct UdpCounters {
  Counter send_blocked;          // times the kernel had no room; the packets went later
  Counter send_refused;          // packets the network refused for good
  Counter segmenting_stopped;    // sockets whose path turned out to take no runs of packets
  Counter receive_errors;        // failed calls other than "nothing there"
  Counter receive_malformed;     // datagrams cut off, or said to be of impossible packets
  Counter send_buffer_bytes;     // granted by the kernel, sum over all sockets
  Counter receive_buffer_bytes;  // the same

  // Counters named "udp.<member>" in `block`; ones that count nothing if it is null.
  static UdpCounters in(CounterBlock* block);
};

}  // namespace mapwire::nic_fw
