#include "mapwire/endpoints/detail/credits.h"

#include <cstdint>

namespace mapwire::detail {

bool SendCredits::grant(std::uint64_t posted) {
  if (static_cast<std::int64_t>(posted - granted_) <= 0) return true;
  // The peer has consumed no more than we used, and holds at most its queue's depth beyond that.
  if (posted - used_ > peer_receive_entries_) return false;
  granted_ = posted;
  return true;
}

bool SendCredits::grant_low(std::uint32_t posted_low) {
  const auto ahead = static_cast<std::int32_t>(posted_low - static_cast<std::uint32_t>(granted_));
  return ahead <= 0 || grant(granted_ + static_cast<std::uint32_t>(ahead));
}

}  // namespace mapwire::detail
