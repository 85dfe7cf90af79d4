// Pages of a test's own.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <span>

#include "mapwire/tlb/range.h"

namespace mapwire::testing {

// Anonymous and private; unmapped at the end, whatever is there then.
class Pages {
 public:
  explicit Pages(std::size_t count, void* where = nullptr)
      : memory_{map(where, count * tlb::kPageBytes)} {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::munmap(memory_.data(), memory_.size()); }

  std::span<std::byte> memory() const { return memory_; }
  std::span<std::byte> page(std::size_t index, std::size_t count = 1) const {
    return memory_.subspan(index * tlb::kPageBytes, count * tlb::kPageBytes);
  }
  tlb::Range range() const { return *tlb::pages_of(memory_); }
  // Other pages take their place.
  void renew() const {
    if (::mmap(memory_.data(), memory_.size(), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      std::abort();
    }
  }

 private:
  static std::span<std::byte> map(void* where, std::size_t bytes) {
    void* const mapped =
        ::mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) std::abort();
    return {static_cast<std::byte*>(mapped), bytes};
  }

  std::span<std::byte> memory_;
};

}  // namespace mapwire::testing
