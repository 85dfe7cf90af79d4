// Moves message bytes between packets and the scatter/gather elements of a work request. Keys are
// checked at every move, because a region may have been deregistered since the request was posted;
// and memory of kAnyMemoryLkey, because it may have been unmapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::nic_fw {

// Fills `out` with the bytes from `offset` on. False: a key refuses, or memory is not there (part
// may have been copied).
// Precondition: the elements have offset + out.size() bytes.
bool gather(const MemoryTable& memory, std::uint32_t protection_domain,
            std::span<const proto::Sge> elements, std::uint64_t offset, std::span<std::byte> out);

// Puts `in` to `offset` of the elements. The same result and precondition.
bool scatter(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, std::uint64_t offset,
             std::span<const std::byte> in);
// Puts `in` to the beginning of elements whose keys were checked in the same call of the NIC.
bool scatter_checked(const MemoryTable& memory, std::span<const proto::Sge> elements,
                     std::span<const std::byte> in);

}  // namespace mapwire::nic_fw
