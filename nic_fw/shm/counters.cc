#include "mapwire/nic_fw/shm/counters.h"

namespace mapwire::nic_fw::shm {

Counters Counters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {.connections = block->counter("shm.connections"),
          .cells_received = block->counter("shm.cells_received"),
          .payload_bytes_received = block->counter("shm.payload_bytes_received"),
          .dropped = block->counter("shm.dropped"),
          .not_ready = block->counter("shm.not_ready"),
          .refused = block->counter("shm.refused"),
          .rings_corrupt = block->counter("shm.rings_corrupt")};
}

}  // namespace mapwire::nic_fw::shm
