#include "mapwire/endpoints/detail/control_counters.h"

namespace mapwire::detail {

ControlCounters ControlCounters::in(CounterBlock* block) {
  if (block == nullptr) return {};
  return {
      .links_accepted = block->counter("control.links_accepted"),
      .links_refused = block->counter("control.links_refused"),
      .hello_failed = block->counter("control.hello_failed"),
      .version_mismatches = block->counter("control.version_mismatches"),
      .address_translations = block->counter("control.address_translations"),
      .protocol_errors = block->counter("control.protocol_errors"),
      .set_ups_failed = block->counter("control.set_ups_failed"),
      .connections_set_up = block->counter("control.connections_set_up"),
      .links_silent = block->counter("control.links_silent"),
      .links_lost = block->counter("control.links_lost"),
  };
}

}  // namespace mapwire::detail
