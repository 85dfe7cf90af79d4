// Shared memory for queues and buffers: a memfd that other processes can map by its descriptor.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/memfd.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire {

// A memfd of fixed size, mapped shared and handed out piece by piece. Nobody who gets the
// descriptor can change the size (sealed against shrinking, growing and further seals), so that no
// access through any mapping of it can fault. Pages are made by the system when first touched.
// Move-only; its memory is unmapped and the descriptor closed when it dies. One thread at a time.
class Arena {
 public:
  // Makes an arena of `bytes`, rounded up to whole pages. Errors: those of make_memfd.
  static std::expected<Arena, Error> create(const std::string& name, std::size_t bytes,
                                            Sharing sharing = Sharing::kReadWrite);

  // The next `bytes` zeros, aligned to `alignment`, a power of two of at most a page (4096);
  // nothing if they do not fit. There is no way to give them back alone. Zero bytes give an empty
  // span.
  std::optional<std::span<std::byte>> allocate(std::size_t bytes, std::size_t alignment);

  // The whole mapping, allocated or not.
  std::span<std::byte> memory() const { return mapping_.memory(); }
  // Owned by the arena. Handing it to a process lets that process read all of memory(), and write
  // it unless it is kReadOnly.
  int fd() const { return fd_.get(); }

 private:
  Arena(UniqueFd fd, Mapping mapping) : fd_{std::move(fd)}, mapping_{std::move(mapping)} {}

  UniqueFd fd_;
  Mapping mapping_;
  std::size_t used_ = 0;
};

}  // namespace mapwire
