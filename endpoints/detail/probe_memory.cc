#include "mapwire/endpoints/detail/probe_memory.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <utility>

namespace mapwire::detail {

std::expected<void, Error> ProbeMemory::prepare(Nic& nic, std::uint32_t protection_domain) {
  if (memory_ != nullptr) return {};
  auto memory = std::make_unique<Memory>();
  if (!nic.attributes().reads_any_memory) {
    const auto bytes = std::as_writable_bytes(std::span{memory.get(), 1});
    const auto keys = nic.register_memory(bytes, {}, protection_domain);
    if (!keys) return std::unexpected(keys.error());
    lkey_ = keys->lkey;
  }
  memory_ = std::move(memory);
  return {};
}

}  // namespace mapwire::detail
