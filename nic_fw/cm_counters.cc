#include "mapwire/nic_fw/cm_counters.h"

namespace mapwire::nic_fw {

CmCounters CmCounters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {.mads_sent = block->counter("cm.mads_sent"),
          .mads_received = block->counter("cm.mads_received"),
          .dropped_malformed = block->counter("cm.dropped_malformed"),
          .dropped_unknown = block->counter("cm.dropped_unknown"),
          .dropped_full = block->counter("cm.dropped_full"),
          .repeated = block->counter("cm.repeated"),
          .duplicates = block->counter("cm.duplicates"),
          .requests_refused = block->counter("cm.requests_refused"),
          .timeouts = block->counter("cm.timeouts"),
          .stale = block->counter("cm.stale")};
}

}  // namespace mapwire::nic_fw
