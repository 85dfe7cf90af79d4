// The completion queue between the engine and the application, in an arena of its own: the
// application writes nothing into it.
#pragma once

#include <cstdint>
#include <expected>

#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw {

struct CompletionRing {
  Arena arena;
  RingProducer<proto::CompletionEntry> producer;
  RingConsumer<proto::CompletionEntry> consumer;

  // `entries` is a power of two. Errors: those of Arena::create.
  static std::expected<CompletionRing, Error> create(std::uint32_t entries);
};

}  // namespace mapwire::nic_fw
