// The registered memory of a NIC and the protection domains it lies in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <unordered_map>

#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/verbs/handles.h"

namespace mapwire::verbs {

class MemoryRegions {
 public:
  // `context` outlives it.
  MemoryRegions(std::string device, ibv_context* context)
      : device_{std::move(device)}, context_{context} {}

  // The domain of this number, made when it is first asked for. Errors: see failures.h.
  std::expected<ibv_pd*, Error> domain(std::uint32_t number);

  // As in nic.h.
  std::expected<MemoryKeys, Error> add(std::span<std::byte> memory, Access access,
                                       std::uint32_t domain_number);
  void remove(std::uint32_t lkey);

  // Whether all bytes of the elements lie in regions of `domain`, which have the right of local
  // writing if `writable`.
  bool cover(std::span<const proto::Sge> elements, const ibv_pd* domain, bool writable);

 private:
  struct Region {
    RegionHandle handle;
    bool writable = false;
  };

  const Region* find(std::uint32_t lkey) {
    const Region*& recent = recent_[(lkey ^ (lkey >> kKeyBits)) % recent_.size()];
    if (recent == nullptr || recent->handle->lkey != lkey) recent = find_again(lkey);
    return recent;
  }
  [[gnu::cold, gnu::noinline]] const Region* find_again(std::uint32_t lkey) const;

  std::string device_;
  ibv_context* context_;
  std::unordered_map<std::uint32_t, DomainHandle> domains_;
  std::unordered_map<std::uint32_t, Region> regions_;  // by lkey
  // Found again without hashing: by the index of the region and the 8 bits below it that drivers
  // draw to tell those that had the index one after the other.
  static constexpr unsigned kKeyBits = 8;
  std::array<const Region*, 8> recent_{};
};

}  // namespace mapwire::verbs
