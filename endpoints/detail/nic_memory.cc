#include "mapwire/endpoints/detail/nic_memory.h"

#include <expected>

#include "mapwire/endpoints/detail/test_seam.h"

namespace mapwire::detail {
namespace {

tlb::TlbOptions tlb_options(const Options& options, const NicAttributes& nic) {
  tlb::TlbOptions result{.limits = tlb::default_pin_limits(nic.memory_regions_max),
                         .policy = options.tlb_lru ? tlb::Policy::kLru : tlb::Policy::kClock,
                         .keep = !options.tlb_off,
                         .verify = test_seam().verify_translations};
  if (options.pin_budget_bytes != 0) result.limits.bytes = options.pin_budget_bytes;
  return result;
}

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

}  // namespace mapwire::detail
