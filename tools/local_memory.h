// Memory that one end of a test posts: registered once, or of the heap and registered by nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>

#include "mapwire/endpoints/context.h"

namespace mapwire::tools {

enum class MemoryKind : std::uint8_t { kRegistered, kHeap };

class LocalMemory {
 public:
  // `bytes` zeros; `context` outlives it. Errors: kOutOfMemory, kLimitReached.
  static std::expected<LocalMemory, Error> create(Context& context, std::size_t bytes,
                                                  MemoryKind kind);

  std::span<std::byte> memory() const;
  // `bytes` bytes from `offset` on, for a post. Precondition: they lie inside.
  MutableBuffer slice(std::size_t offset, std::size_t bytes) const;

 private:
  std::optional<MemoryRegion> region_;
  std::unique_ptr<std::byte[]> heap_;
  std::size_t bytes_ = 0;  // of the heap
};

}  // namespace mapwire::tools
