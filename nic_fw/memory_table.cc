#include "mapwire/nic_fw/memory_table.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "mapwire/nic_fw/copy_as_device.h"

namespace mapwire::nic_fw {
namespace {

// Overflow-safe: no sum of numbers that somebody else chose.
bool contains(std::uint64_t start, std::uint64_t length, std::uint64_t address,
              std::uint64_t bytes) {
  return address >= start && bytes <= length && address - start <= length - bytes;
}

bool permits(const Access& access, RemoteUse use) {
  switch (use) {
    case RemoteUse::kRead: return access.remote_read;
    case RemoteUse::kWrite: return access.remote_write;
    case RemoteUse::kAtomic: return access.remote_atomic;
  }
  return false;
}

}  // namespace

MemoryTable::MemoryTable(std::uint32_t regions_max)
    : regions_(regions_max), lkeys_{regions_max}, rkeys_{regions_max} {
  free_.reserve(regions_max);
  for (std::uint32_t slot = regions_max; slot > 0; --slot) free_.push_back(slot - 1);
}

std::uint32_t MemoryTable::new_key(const RandomSource& random) const {
  std::uint32_t key = 0;
  do {
    key = static_cast<std::uint32_t>(random());
  } while (proto::is_unregistered(key) || lkeys_.find(key) || rkeys_.find(key));
  return key;
}

std::expected<MemoryKeys, Error> MemoryTable::add(std::span<std::byte> memory, Access access,
                                                  std::uint32_t protection_domain,
                                                  const RandomSource& random) {
  if (memory.empty()) {
    return std::unexpected(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                                       "memory region refused: it is empty; register at least one "
                                       "byte"));
  }
  if (free_.empty()) {
    return std::unexpected(Error::make(Code::kLimitReached, ErrorScope::kRequest,
                                       "memory region refused: the table of the soft NIC is full; "
                                       "deregister memory that is no longer used"));
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Region& region = regions_[slot];
  region = {.address = reinterpret_cast<std::uint64_t>(memory.data()),
            .bytes = memory.size(),
            .keys = {},
            .access = access,
            .protection_domain = protection_domain,
            .wires = nullptr};
  region.keys.lkey = new_key(random);
  lkeys_.insert(region.keys.lkey, slot);
  region.keys.rkey = new_key(random);
  rkeys_.insert(region.keys.rkey, slot);
  return region.keys;
}

void MemoryTable::remove(std::uint32_t lkey) {
  const auto slot = lkeys_.find(lkey);
  if (!slot) return;
  rkeys_.erase(regions_[*slot].keys.rkey);
  lkeys_.erase(lkey);
  regions_[*slot] = {};
  free_.push_back(*slot);
}

bool MemoryTable::watch(std::uint32_t lkey, TripTable& wires) {
  const auto slot = lkeys_.find(lkey);
  if (!slot) return false;
  regions_[*slot].wires = &wires;
  return true;
}

const MemoryTable::Region* MemoryTable::find(const FixedMap& keys, std::uint32_t key,
                                             std::uint64_t address, std::uint64_t bytes,
                                             std::uint32_t protection_domain) const {
  const auto slot = keys.find(key);
  if (!slot) return nullptr;
  const Region& region = regions_[*slot];
  if (region.protection_domain != protection_domain) return nullptr;
  return contains(region.address, region.bytes, address, bytes) ? &region : nullptr;
}

bool MemoryTable::allows(std::uint32_t rkey, std::uint64_t address, std::uint64_t bytes,
                         std::uint32_t protection_domain, RemoteUse use) const {
  const Region* region = find(rkeys_, rkey, address, bytes, protection_domain);
  return region != nullptr && permits(region->access, use);
}

bool MemoryTable::read_for_peer(std::uint32_t rkey, std::uint64_t address, std::span<std::byte> to,
                                std::uint32_t protection_domain) const {
  if (to.empty()) return true;
  const Region* region = find(rkeys_, rkey, address, to.size(), protection_domain);
  if (region == nullptr || !region->access.remote_read) return false;
  if (!region->access.may_go) {
    copy_as_device(to.data(), reinterpret_cast<const std::byte*>(address), to.size());
  } else if (!process_.read(address, to)) {
    return false;
  }
  if (region->wires != nullptr) [[unlikely]]
    region->wires->touch(address, to.size(), kTouchRead);
  return true;
}

bool MemoryTable::write_for_peer(std::uint32_t rkey, std::uint64_t address,
                                 std::span<const std::byte> from,
                                 std::uint32_t protection_domain) const {
  if (from.empty()) return true;
  const Region* region = find(rkeys_, rkey, address, from.size(), protection_domain);
  if (region == nullptr || !region->access.remote_write) return false;
  if (!region->access.may_go) {
    copy_as_device(reinterpret_cast<std::byte*>(address), from.data(), from.size());
  } else if (!process_.write(address, from)) {
    return false;
  }
  if (region->wires != nullptr) [[unlikely]]
    region->wires->touch(address, from.size(), kTouchWrite);
  return true;
}

void MemoryTable::note_atomic(std::uint32_t rkey, std::uint64_t address) const {
  const auto slot = rkeys_.find(rkey);
  if (!slot || regions_[*slot].wires == nullptr) return;
  regions_[*slot].wires->touch(address, sizeof(std::uint64_t), kTouchRead | kTouchWrite);
}

bool MemoryTable::allows(std::uint32_t lkey, std::uint64_t address, std::uint64_t bytes,
                         std::uint32_t protection_domain, LocalUse use) const {
  if (proto::is_unregistered(lkey)) return bytes <= UINT64_MAX - address;
  const Region* region = find(lkeys_, lkey, address, bytes, protection_domain);
  return region != nullptr && (use == LocalUse::kRead || region->access.local_write);
}

}  // namespace mapwire::nic_fw
