// The memory that a context's NIC may use: what is registered explicitly, and the TLB for all other
// memory where the NIC does not read that by itself.
//
// Threads: guarded by the context's lock.
#pragma once

#include <expected>
#include <optional>
#include <span>

#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/options.h"
#include "mapwire/tlb/tlb.h"

namespace mapwire::detail {

// All regions and queue pairs of a context share a protection domain: a process trusts itself.
inline constexpr std::uint32_t kProtectionDomain = 1;

class NicMemory {
 public:
  // `nic` outlives it. `counters` may be null.
  NicMemory(Nic& nic, const Options& options, CounterBlock* counters);

  // Null: the NIC reads any memory, by kAnyMemoryLkey.
  tlb::Tlb* tlb() { return tlb_ ? &*tlb_ : nullptr; }

  // As in nic.h; kLimitReached also if it is more than may be pinned.
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access);
  void deregister_memory(std::uint32_t lkey);

  // The first of the pieces in which a message goes that can not be pinned as a whole. They are
  // small enough that several endpoints have one at a time, and end with a page.
  std::span<const std::byte> first_piece(std::span<const std::byte> memory) const;
  std::size_t piece_bytes() const { return tlb_ ? tlb_->piece_bytes() : tlb::kPieceBytesMax; }
  // As in tlb.h; where the NIC reads any memory they only make a key for the peer and end it.
  std::expected<MemoryKeys, Code> expose(std::span<const std::byte> piece);
  void conceal(std::uint32_t lkey);

 private:
  Nic& nic_;
  std::optional<tlb::Tlb> tlb_;
};

}  // namespace mapwire::detail
