// Moves message bytes between packets and the scatter/gather elements of a work request. Keys are
// checked at every move, because a region may have been deregistered since the request was posted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::nic_fw {

// Length of all elements together: at most 3 * (2^32 - 1).
std::uint64_t total_bytes(std::span<const proto::Sge> elements);

// Whether every element lies in memory its lkey allows for `use`. Empty elements are not looked at.
bool allowed(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, LocalUse use);

// Fills `out` with the bytes from `offset` on. False: a key refuses (part may have been copied).
// Precondition: offset + out.size() <= total_bytes(elements).
bool gather(const MemoryTable& memory, std::uint32_t protection_domain,
            std::span<const proto::Sge> elements, std::uint64_t offset, std::span<std::byte> out);

// Puts `in` to `offset` of the elements. The same result and precondition.
bool scatter(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, std::uint64_t offset,
             std::span<const std::byte> in);

}  // namespace mapwire::nic_fw
