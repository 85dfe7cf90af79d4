#include "mapwire/endpoints/detail/endpoint_table.h"

#include <cstddef>
#include <expected>

namespace mapwire::detail {

std::expected<EndpointId, Error> EndpointTable::add(Endpoint::Impl& endpoint) {
  if (free_slots_.empty()) {
    if (entries_.size() == kEndpointsMax) {
      return std::unexpected(Error::make(Code::kLimitReached, ErrorScope::kRequest,
                                         "context: holds its most endpoints, 65536; close some or "
                                         "make another context"));
    }
    free_slots_.push_back(entries_.size());
    entries_.emplace_back();
  }
  const std::size_t slot = free_slots_.back();
  free_slots_.pop_back();
  const EndpointId id = make_endpoint_id(++opened_, slot);
  entries_[slot] = {.id = id, .endpoint = &endpoint};
  return id;
}

void EndpointTable::remove(EndpointId id) {
  if (find(id) == nullptr) return;
  entries_[slot_of(id)] = {};
  free_slots_.push_back(slot_of(id));
}

}  // namespace mapwire::detail
