// The translation table of the soft NIC: which memory the keys of its regions name, and with which
// rights (IBTA 10.6). Keys are random, so that they can not be guessed; lkey and rkey differ, so
// that giving a peer the one does not give away the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "mapwire/nic_fw/fixed_map.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/process_memory.h"
#include "mapwire/runtime/trip_table.h"

namespace mapwire::nic_fw {

// What a peer wants to do.
enum class RemoteUse : std::uint8_t { kRead, kWrite, kAtomic };
// What the NIC wants to do on behalf of the owner.
enum class LocalUse : std::uint8_t { kRead, kWrite };

class MemoryTable {
 public:
  explicit MemoryTable(std::uint32_t regions_max);

  // Semantics and errors: Nic::register_memory. `random` supplies the keys.
  std::expected<MemoryKeys, Error> add(std::span<std::byte> memory, Access access,
                                       std::uint32_t protection_domain, const RandomSource& random);
  // No effect on an unknown lkey.
  void remove(std::uint32_t lkey);
  // As Nic::watch_memory.
  bool watch(std::uint32_t lkey, TripTable& wires);

  // Whether a peer of `protection_domain` may do `use` with `bytes` bytes at `address`.
  bool allows(std::uint32_t rkey, std::uint64_t address, std::uint64_t bytes,
              std::uint32_t protection_domain, RemoteUse use) const;
  // The same for the owner. The lkeys without registration name all memory; only a range that wraps
  // around the address space is refused then.
  bool allows(std::uint32_t lkey, std::uint64_t address, std::uint64_t bytes,
              std::uint32_t protection_domain, LocalUse use) const;

  // What a peer does: looks as allows() does, and copies. False: it is not allowed, or the memory
  // is not there any more. Without bytes nothing is looked at (IBTA 9.7.4.1.5).
  bool read_for_peer(std::uint32_t rkey, std::uint64_t address, std::span<std::byte> to,
                     std::uint32_t protection_domain) const;
  bool write_for_peer(std::uint32_t rkey, std::uint64_t address, std::span<const std::byte> from,
                      std::uint32_t protection_domain) const;
  // A peer's atomic, which is allowed, was executed on the 8 bytes.
  void note_atomic(std::uint32_t rkey, std::uint64_t address) const;

  // For kAnyMemoryLkey.
  const ProcessMemory& process() const { return process_; }

 private:
  struct Region {
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    MemoryKeys keys;
    Access access;
    std::uint32_t protection_domain = 0;
    TripTable* wires = nullptr;
  };
  const Region* find(const FixedMap& keys, std::uint32_t key, std::uint64_t address,
                     std::uint64_t bytes, std::uint32_t protection_domain) const;
  std::uint32_t new_key(const RandomSource& random) const;

  std::vector<Region> regions_;
  std::vector<std::uint32_t> free_;
  FixedMap lkeys_;
  FixedMap rkeys_;
  ProcessMemory process_;
};

}  // namespace mapwire::nic_fw
