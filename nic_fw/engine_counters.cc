#include "mapwire/nic_fw/engine_counters.h"

namespace mapwire::nic_fw {

EngineCounters EngineCounters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {.packets_sent = block->counter("nic.packets_sent"),
          .packets_received = block->counter("nic.packets_received"),
          .payload_bytes_sent = block->counter("nic.payload_bytes_sent"),
          .payload_bytes_received = block->counter("nic.payload_bytes_received"),
          .dropped_malformed = block->counter("nic.dropped_malformed"),
          .dropped_icrc = block->counter("nic.dropped_icrc"),
          .dropped_unknown_qpn = block->counter("nic.dropped_unknown_qpn"),
          .dropped_source = block->counter("nic.dropped_source"),
          .duplicates = block->counter("nic.duplicates"),
          .out_of_sequence = block->counter("nic.out_of_sequence"),
          .retransmitted_packets = block->counter("nic.retransmitted_packets"),
          .timeouts = block->counter("nic.timeouts"),
          .naks_sent = block->counter("nic.naks_sent"),
          .naks_received = block->counter("nic.naks_received"),
          .rnr_naks_sent = block->counter("nic.rnr_naks_sent"),
          .rnr_naks_received = block->counter("nic.rnr_naks_received"),
          .acks_sent = block->counter("nic.acks_sent"),
          .acks_received = block->counter("nic.acks_received"),
          .flight_reductions = block->counter("nic.flight_reductions"),
          .credit_stalls = block->counter("nic.credit_stalls"),
          .access_refused = block->counter("nic.access_refused"),
          .ring_corrupt = block->counter("nic.ring_corrupt"),
          .queue_pair_errors = block->counter("nic.queue_pair_errors")};
}

}  // namespace mapwire::nic_fw
