// What an exporter tells all who have mapped its memory: a page that it alone writes and they read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mapwire::proto {

struct WindowNotice {
  // Not 0: the export has ended, and what is stored from now on no longer reaches the exporter.
  // Whoever finds 0 after a store, with a barrier between the two, knows that it did.
  std::atomic<std::uint32_t> ended;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && sizeof(WindowNotice) == 4);

inline constexpr std::size_t kWindowNoticeBytes = 4096;  // of the file

}  // namespace mapwire::proto
