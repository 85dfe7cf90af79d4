// What the engine counts: every packet, drop, retry and refusal has its counter.
#pragma once

#include "mapwire/runtime/counters.h"

namespace mapwire::nic_fw {

struct EngineCounters {
  Counter packets_sent;
  Counter packets_received;
  Counter payload_bytes_sent;
  Counter payload_bytes_received;
  Counter dropped_malformed;  // parse_packet refused it
  Counter dropped_icrc;
  Counter dropped_unknown_qpn;
  Counter dropped_source;   // not from the queue pair's peer
  Counter duplicates;       // requests seen before
  Counter out_of_sequence;  // requests ahead of the expected PSN
  Counter retransmitted_packets;
  Counter timeouts;
  Counter naks_sent;
  Counter naks_received;
  Counter rnr_naks_sent;
  Counter rnr_naks_received;
  Counter acks_sent;
  Counter acks_received;
  Counter flight_reductions;  // times the flight limit yielded to loss
  Counter credit_stalls;      // times a send waited for end-to-end credits
  Counter access_refused;     // remote accesses refused at this target
  Counter ring_corrupt;       // rings given up because of impossible contents
  Counter queue_pair_errors;

  // Counters named "nic.<member>" in `block`; ones that count nothing if it is null.
  static EngineCounters in(CounterBlock* block);
};

}  // namespace mapwire::nic_fw
