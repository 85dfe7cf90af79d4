#include "mapwire/runtime/lazy_memory.h"

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace mapwire {

LazyMemory::LazyMemory(std::size_t bytes) {
  if (bytes == 0) return;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  // A huge page would make two megabytes resident for one entry. A kernel without them refuses.
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  memory_ = {static_cast<std::byte*>(memory), bytes};
}

LazyMemory::~LazyMemory() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

}  // namespace mapwire
