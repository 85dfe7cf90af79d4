// Buffers: any memory of the process, or memory registered explicitly.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "mapwire/runtime/nic.h"

namespace mapwire {

// Local memory for a post: a span of any memory of the process, or a slice of a MemoryRegion, which
// costs no look-up. Does not own the memory.
class ConstBuffer {
 public:
  // Implicit on purpose: whatever is contiguous bytes (a span, vector or array) is a buffer.
  template <std::convertible_to<std::span<const std::byte>> Memory>
  ConstBuffer(Memory&& memory) : memory_{std::forward<Memory>(memory)} {}
  ConstBuffer(std::span<const std::byte> memory, std::uint32_t lkey)
      : memory_{memory}, lkey_{lkey} {}
  std::span<const std::byte> memory() const { return memory_; }
  std::uint32_t lkey() const { return lkey_; }  // kAnyMemoryLkey: not registered explicitly

 private:
  std::span<const std::byte> memory_;
  std::uint32_t lkey_ = proto::kAnyMemoryLkey;
};

// The same for memory that will be written.
class MutableBuffer {
 public:
  template <std::convertible_to<std::span<std::byte>> Memory>
  MutableBuffer(Memory&& memory) : memory_{std::forward<Memory>(memory)} {}  // implicit on purpose
  MutableBuffer(std::span<std::byte> memory, std::uint32_t lkey) : memory_{memory}, lkey_{lkey} {}
  std::span<std::byte> memory() const { return memory_; }
  std::uint32_t lkey() const { return lkey_; }
  operator ConstBuffer() const { return {memory_, lkey_}; }

 private:
  std::span<std::byte> memory_;
  std::uint32_t lkey_ = proto::kAnyMemoryLkey;
};

// Remote memory, as its owner described it (MemoryRegion::remote) and told us in a message of its
// own.
struct RemoteBuffer {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint32_t rkey = 0;
  // The part that starts `offset` bytes in. Not checked here: the target refuses what lies outside.
  RemoteBuffer at(std::uint64_t offset) const {
    return {.address = address + offset, .bytes = bytes - offset, .rkey = rkey};
  }
};

// Why this process can keep no memory pinned between requests on an RDMA device, as a sentence with
// the next step; empty if it can (docs/tlb.md). The first call tries the kernel. Any thread.
std::string obstacle_to_keeping_memory();

// Memory registered with a context until this handle dies. Move-only. Requests in flight on it at
// that time fail with kLocalProtection or, at the peer, kRemoteAccess; the bytes are never touched
// afterwards.
class MemoryRegion {
 public:
  class Owner;  // the context's side of it
  MemoryRegion(std::shared_ptr<Owner> owner, std::span<std::byte> memory, MemoryKeys keys);
  MemoryRegion(MemoryRegion&&) noexcept = default;
  MemoryRegion& operator=(MemoryRegion&&) noexcept;
  ~MemoryRegion();

  // What a peer stores here may be stored by the context's helper thread. A thread sees it after
  // the completion that tells of it; one that learns of it in another way polls the context first.
  std::span<std::byte> memory() const { return memory_; }
  // `bytes` bytes from `offset` on, for a post. Precondition: they lie inside.
  MutableBuffer slice(std::size_t offset, std::size_t bytes) const {
    return {memory_.subspan(offset, bytes), keys_.lkey};
  }
  MutableBuffer all() const { return {memory_, keys_.lkey}; }
  // What a peer needs to read or write it, within the rights it was registered with.
  RemoteBuffer remote() const {
    return {.address = reinterpret_cast<std::uint64_t>(memory_.data()),
            .bytes = memory_.size(),
            .rkey = keys_.rkey};
  }

 private:
  std::shared_ptr<Owner> owner_;
  std::span<std::byte> memory_;
  MemoryKeys keys_;
};

}  // namespace mapwire
