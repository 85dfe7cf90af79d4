#include "mapwire/nic_fw/udp_counters.h"

namespace mapwire::nic_fw {

UdpCounters UdpCounters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {.send_blocked = block->counter("udp.send_blocked"),
          .send_refused = block->counter("udp.send_refused"),
          .segmenting_stopped = block->counter("udp.segmenting_stopped"),
          .receive_errors = block->counter("udp.receive_errors"),
          .receive_malformed = block->counter("udp.receive_malformed"),
          .send_buffer_bytes = block->counter("udp.send_buffer_bytes"),
          .receive_buffer_bytes = block->counter("udp.receive_buffer_bytes")};
}

}  // namespace mapwire::nic_fw
