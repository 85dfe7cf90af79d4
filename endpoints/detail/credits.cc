#include "mapwire/endpoints/detail/credits.h"

#include <bit>
#include <cstdint>

#include "mapwire/proto/peer_words.h"

namespace mapwire::detail {

// What was said with the same count before may stay: to take a receive for late that is not costs
// time alone.
bool SendCredits::grant(std::uint32_t posted_low, bool late) {
  const auto ahead = static_cast<std::int32_t>(posted_low - static_cast<std::uint32_t>(granted_));
  if (ahead <= 0) return true;
  const std::uint64_t posted = granted_ + static_cast<std::uint32_t>(ahead);
  // The peer has consumed no more than we used, and holds at most its queue's depth beyond that.
  if (posted - used_ > peer_receive_entries_) return false;
  granted_ = posted;
  late_ = late;
  return true;
}

bool SendCredits::grant_word(std::uint64_t word) {
  const auto update = std::bit_cast<proto::CountWord>(word);
  const bool late = update.is(proto::MessageKind::kLateCredit);
  if (!late && !update.is(proto::MessageKind::kCredit)) return true;
  return grant(update.count(), late);
}

}  // namespace mapwire::detail
