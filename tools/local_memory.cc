#include "tools/local_memory.h"

#include <utility>

namespace mapwire::tools {

std::expected<LocalMemory, Error> LocalMemory::create(Context& context, std::size_t bytes,
                                                      MemoryKind kind) {
  LocalMemory made;
  if (kind == MemoryKind::kHeap) {
    made.heap_ = std::make_unique<std::byte[]>(bytes);
    made.bytes_ = bytes;
    return made;
  }
  auto region = context.allocate(bytes);
  if (!region) return std::unexpected(region.error());
  made.region_ = std::move(*region);
  return made;
}

std::span<std::byte> LocalMemory::memory() const {
  return region_ ? region_->memory() : std::span{heap_.get(), bytes_};
}

MutableBuffer LocalMemory::slice(std::size_t offset, std::size_t bytes) const {
  return region_ ? region_->slice(offset, bytes) : MutableBuffer{memory().subspan(offset, bytes)};
}

}  // namespace mapwire::tools
