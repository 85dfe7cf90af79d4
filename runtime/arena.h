// Shared memory for queues and buffers: a memfd that other processes can map by its descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire {

// A memfd of fixed size, mapped shared and handed out piece by piece. Nobody who gets the
// descriptor can change the size (sealed against shrinking, growing and further seals), so that no
// access through any mapping of it can fault. Pages are made by the system when first touched.
// Move-only; its memory is unmapped and the descriptor closed when it dies. One thread at a time.
class Arena {
 public:
  // What those may do who get the descriptor.
  enum class Sharing : std::uint8_t { kReadWrite, kReadOnly };
  // Makes an arena of `bytes`, rounded up to whole pages. `name`, of at most 200 characters, shows
  // in /proc/PID/maps. Errors: kInvalidArgument (0 bytes), kOutOfMemory, kSystemCall.
  static std::expected<Arena, Error> create(const std::string& name, std::size_t bytes,
                                            Sharing sharing = Sharing::kReadWrite);
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  ~Arena();

  // The next `bytes` zeros, aligned to `alignment`, a power of two of at most a page (4096);
  // nothing if they do not fit. There is no way to give them back alone. Zero bytes give an empty
  // span.
  std::optional<std::span<std::byte>> allocate(std::size_t bytes, std::size_t alignment);

  // The whole mapping, allocated or not.
  std::span<std::byte> memory() const { return memory_; }
  // Owned by the arena. Handing it to a process lets that process read all of memory(), and write
  // it unless it is kReadOnly.
  int fd() const { return fd_.get(); }

 private:
  Arena(UniqueFd fd, std::span<std::byte> memory);

  UniqueFd fd_;
  std::span<std::byte> memory_;
  std::size_t used_ = 0;
};

}  // namespace mapwire
