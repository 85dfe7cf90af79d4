// Pins of the kernel's own, for machines without an RDMA device: fixed buffers of io_uring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <vector>

#include <liburing.h>

#include "mapwire/runtime/error.h"

namespace mapwire::testing {

// Memory pinned by the kernel, in slots, and the way to it. One thread at a time.
class Pins {
 public:
  // Errors: kPermission or kSystemCall (no io_uring here), kOutOfMemory, kNotSupported (an io_uring
  // that unpins late).
  static std::expected<std::unique_ptr<Pins>, Error> create(std::uint32_t slots);
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;
  ~Pins();

  std::uint32_t slots() const { return slots_; }

  // Pins the pages of `memory` and returns their slot. Errors: kInvalidArgument (not mapped, not
  // writable, the pages of a file on a disk, or more than 1 GiB), kOutOfMemory (RLIMIT_MEMLOCK, or
  // no memory), kLimitReached (no slot is free), kSystemCall.
  std::expected<std::uint32_t, Error> pin(std::span<std::byte> memory);
  // Returns when the pages are unpinned.
  void unpin(std::uint32_t slot);

  enum class Direction : std::uint8_t { kOut, kIn };
  // Copies what was pinned at `address` out to `offset` of the file `fd`, or from there in.
  // Precondition: the range is in the slot.
  void copy(Direction direction, std::uint32_t slot, std::uint64_t address, std::uint64_t bytes,
            int fd, std::uint64_t offset);

 private:
  Pins(const io_uring& ring, std::uint32_t slots) : ring_{ring}, slots_{slots} {}
  bool unpins_late();
  int update(std::uint32_t slot, std::span<std::byte> memory, std::uint64_t tag);
  int submit_and_wait();
  int wait(std::uint64_t user_data);

  io_uring ring_;
  std::uint32_t slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace mapwire::testing
