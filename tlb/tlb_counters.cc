#include "mapwire/tlb/tlb_counters.h"

namespace mapwire::tlb {

TlbCounters TlbCounters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {
      .hits = block->counter("tlb.hits"),
      .misses = block->counter("tlb.misses"),
      .refused = block->counter("tlb.refused"),
      .stale = block->counter("tlb.stale"),
      .cached = block->counter("tlb.cached"),
      .per_operation = block->counter("tlb.per_operation"),
      .copied = block->counter("tlb.copied"),
      .not_kept = block->counter("tlb.not_kept"),
      .evicted = block->counter("tlb.evicted"),
      .reaped = block->counter("tlb.reaped"),
      .would_block = block->counter("tlb.would_block"),
      .failed = block->counter("tlb.failed"),
      .pinned_bytes = block->counter("tlb.pinned_bytes"),
      .regions = block->counter("tlb.regions"),
  };
}

}  // namespace mapwire::tlb
