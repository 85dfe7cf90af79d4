#include "mapwire/endpoints/detail/probe_memory.h"

#include <expected>
#include <memory>
#include <span>
#include <utility>

namespace mapwire::detail {

std::expected<void, Error> ProbeMemory::prepare(NicMemory& nic_memory) {
  if (memory_ != nullptr) return {};
  auto memory = std::make_unique<Memory>();
  if (nic_memory.tlb() != nullptr) {
    const auto bytes = std::as_writable_bytes(std::span{memory.get(), 1});
    const auto keys = nic_memory.register_memory(bytes, {});
    if (!keys) return std::unexpected(keys.error());
    lkey_ = keys->lkey;
  }
  memory_ = std::move(memory);
  return {};
}

}  // namespace mapwire::detail
