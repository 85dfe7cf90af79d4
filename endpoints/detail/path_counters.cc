#include "mapwire/endpoints/detail/path_counters.h"

namespace mapwire::detail {

PathCounters PathCounters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {
      .credit_would_block = block->counter("endpoint.credit_would_block"),
      .queue_would_block = block->counter("endpoint.queue_would_block"),
      .credit_updates = block->counter("endpoint.credit_updates"),
      .late_receives = block->counter("endpoint.late_receives"),
      .sent_in_pieces = block->counter("endpoint.sent_in_pieces"),
      .received_in_pieces = block->counter("endpoint.received_in_pieces"),
      .leases_granted = block->counter("endpoint.leases_granted"),
      .leases_recalled = block->counter("endpoint.leases_recalled"),
      .endpoints_failed = block->counter("endpoint.endpoints_failed"),
      .helper_serves = block->counter("endpoint.helper_serves"),
  };
}

}  // namespace mapwire::detail
