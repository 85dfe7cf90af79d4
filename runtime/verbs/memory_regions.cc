#include "mapwire/runtime/verbs/memory_regions.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/runtime/verbs/failures.h"

namespace mapwire::verbs {
namespace {

int flags_of(Access access) {
  int flags = 0;
  if (access.local_write) flags |= IBV_ACCESS_LOCAL_WRITE;
  if (access.remote_read) flags |= IBV_ACCESS_REMOTE_READ;
  if (access.remote_write) flags |= IBV_ACCESS_REMOTE_WRITE;
  if (access.remote_atomic) flags |= IBV_ACCESS_REMOTE_ATOMIC;
  return flags;
}

std::uint64_t memlock_bytes() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return UINT64_MAX;
  }
  return limit.rlim_cur;
}

bool contains(const ibv_mr& region, const proto::Sge& element) {
  const auto start = reinterpret_cast<std::uint64_t>(region.addr);
  return element.address >= start && element.bytes <= region.length &&
         element.address - start <= region.length - element.bytes;
}

}  // namespace

std::expected<ibv_pd*, Error> MemoryRegions::domain(std::uint32_t number) {
  DomainHandle& domain = domains_[number];
  if (!domain) domain.reset(ibv_alloc_pd(context_));
  if (!domain) return std::unexpected(object_refused(device_, "protection domain", errno));
  return domain.get();
}

std::expected<MemoryKeys, Error> MemoryRegions::add(std::span<std::byte> memory, Access access,
                                                    std::uint32_t domain_number) {
  if (memory.empty()) {
    return std::unexpected(region_refused(device_, 0, memlock_bytes(), EINVAL));
  }
  const auto domain_of = domain(domain_number);
  if (!domain_of) return std::unexpected(domain_of.error());
  RegionHandle region{ibv_reg_mr(*domain_of, memory.data(), memory.size(), flags_of(access))};
  if (!region) {
    return std::unexpected(region_refused(device_, memory.size(), memlock_bytes(), errno));
  }
  const MemoryKeys keys{.lkey = region->lkey, .rkey = region->rkey};
  regions_[keys.lkey] = {.handle = std::move(region), .writable = access.local_write};
  return keys;
}

void MemoryRegions::remove(std::uint32_t lkey) {
  recent_.fill(nullptr);
  regions_.erase(lkey);
}

const MemoryRegions::Region* MemoryRegions::find_again(std::uint32_t lkey) const {
  const auto position = regions_.find(lkey);
  return position == regions_.end() ? nullptr : &position->second;
}

bool MemoryRegions::cover(std::span<const proto::Sge> elements, const ibv_pd* domain,
                          bool writable) {
  return std::ranges::all_of(elements, [&](const proto::Sge& element) {
    if (element.bytes == 0) return true;
    const Region* region = find(element.lkey);
    return region != nullptr && region->handle->pd == domain &&
           contains(*region->handle, element) && (region->writable || !writable);
  });
}

}  // namespace mapwire::verbs
