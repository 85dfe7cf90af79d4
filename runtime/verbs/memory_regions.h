// The registered memory of a NIC and the protection domains it lies in.
#pragma once

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

  const Region* find(std::uint32_t lkey);

  std::string device_;
  ibv_context* context_;
  std::unordered_map<std::uint32_t, DomainHandle> domains_;
  std::unordered_map<std::uint32_t, Region> regions_;  // by lkey
  const Region* last_found_ = nullptr;                 // most programs use one for a while
};

}  // namespace mapwire::verbs
