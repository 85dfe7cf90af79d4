// What the endpoint of a window has to know while a binding (updater.h) uses it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mapwire::detail {

// That were accepted and whose completion the user has not taken. Puts lack as many entries of the
// queue meanwhile.
inline constexpr std::uint32_t kBoundFlushesMax = 16;

// Threads: guarded by the context's lock, but for puts_over.
struct BoundWindow {
  struct Flush {
    std::uint64_t cookie = 0;
    std::uint64_t pass = 0;  // when it has sent all of its puts, the flush may follow
  };
  std::atomic<std::uint64_t> puts_over = 0;  // completed, with whatever status
  std::vector<Flush> flushes{};              // those that wait, oldest first; has its room
  std::uint32_t flushes_unseen = 0;          // they, and those that the user has not taken
};

}  // namespace mapwire::detail
