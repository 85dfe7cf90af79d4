#include "mapwire/nic_fw/completion_ring.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>

#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw {

using proto::CompletionEntry;

std::expected<CompletionRing, Error> CompletionRing::create(std::uint32_t entries) {
  const std::size_t bytes = proto::ring_bytes(entries, sizeof(CompletionEntry));
  auto arena = Arena::create("mapwire-completions", bytes);
  if (!arena) return std::unexpected(std::move(arena.error()));
  const auto memory = arena->memory();
  format_ring<CompletionEntry>(memory, entries, proto::kDescriptorVersion);
  // A ring formatted a moment ago always opens: see make_work_queues.
  auto producer = RingProducer<CompletionEntry>::open(memory, proto::kDescriptorVersion).value();
  auto consumer = RingConsumer<CompletionEntry>::open(memory, proto::kDescriptorVersion).value();
  return CompletionRing{std::move(*arena), producer, consumer};
}

}  // namespace mapwire::nic_fw
