// The endpoints of a context, by their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <vector>

#include "mapwire/endpoints/detail/work_cookie.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// Threads: guarded by the context's lock. Does not own the endpoints: each takes itself out before
// it dies.
class EndpointTable {
 public:
  // Gives `endpoint` an id that was never used before. Errors: kLimitReached (kEndpointsMax).
  std::expected<EndpointId, Error> add(Endpoint::Impl& endpoint);
  void remove(EndpointId id);
  // Null if it is gone or never was.
  Endpoint::Impl* find(EndpointId id) const {
    const std::size_t slot = slot_of(id);
    return slot < entries_.size() && entries_[slot].id == id ? entries_[slot].endpoint : nullptr;
  }

  // Slots ever used at once.
  std::size_t size() const { return entries_.size(); }

  template <class Function>
  void for_each(Function function) const {
    for (const Entry& entry : entries_) {
      if (entry.endpoint != nullptr) function(*entry.endpoint);
    }
  }

 private:
  struct Entry {
    EndpointId id = 0;
    Endpoint::Impl* endpoint = nullptr;
  };
  std::vector<Entry> entries_;
  std::vector<std::size_t> free_slots_;
  std::uint64_t opened_ = 0;
};

}  // namespace mapwire::detail
