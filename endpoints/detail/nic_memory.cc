#include "mapwire/endpoints/detail/nic_memory.h"

#include <algorithm>
#include <expected>

#include "mapwire/endpoints/detail/test_seam.h"

namespace mapwire::detail {
namespace {

tlb::TlbOptions tlb_options(const Options& options, const NicAttributes& nic) {
  tlb::TlbOptions result{.limits = tlb::default_pin_limits(nic.memory_regions_max),
                         .policy = options.tlb_lru ? tlb::Policy::kLru : tlb::Policy::kClock,
                         .copy_bytes = options.tlb_copy_bytes,
                         .keep = !options.tlb_off,
                         .verify = test_seam().verify_translations};
  if (options.pin_budget_bytes != 0) result.limits.bytes = options.pin_budget_bytes;
  return result;
}

constexpr std::size_t down_to_page(std::size_t bytes) { return bytes & ~(tlb::kPageBytes - 1); }

}  // namespace

NicMemory::NicMemory(Nic& nic, const Options& options, CounterBlock* counters) : nic_{nic} {
  if (nic.attributes().reads_any_memory) return;
  tlb_.emplace(nic, kProtectionDomain, tlb_options(options, nic.attributes()),
               tlb::TlbCounters::in(counters));
}

std::expected<MemoryKeys, Error> NicMemory::register_memory(std::span<std::byte> memory,
                                                            Access access) {
  return tlb_ ? tlb_->register_memory(memory, access)
              : nic_.register_memory(memory, access, kProtectionDomain);
}

void NicMemory::deregister_memory(std::uint32_t lkey) {
  if (tlb_) {
    tlb_->deregister_memory(lkey);
  } else {
    nic_.deregister_memory(lkey);
  }
}

std::span<const std::byte> NicMemory::first_piece(std::span<const std::byte> memory) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
  const std::size_t bytes = down_to_page(begin + piece_bytes()) - begin;
  return memory.first(std::min(bytes, memory.size()));
}

std::expected<MemoryKeys, Code> NicMemory::expose(std::span<const std::byte> piece) {
  if (tlb_) return tlb_->expose(piece);
  // It is only read.
  const auto keys = nic_.register_memory(
      {const_cast<std::byte*>(piece.data()), piece.size()},
      {.local_write = false, .remote_read = true, .may_go = true}, kProtectionDomain);
  if (!keys) return std::unexpected(keys.error().code);
  return *keys;
}

void NicMemory::conceal(std::uint32_t lkey) {
  if (tlb_) {
    tlb_->conceal(lkey);
  } else {
    nic_.deregister_memory(lkey);
  }
}

}  // namespace mapwire::detail
