// A miss: how the memory is pinned, and whether that is kept.
#include <cstdlib>
#include <expected>

#include "mapwire/tlb/mapping.h"
#include "mapwire/tlb/tlb.h"

namespace mapwire::tlb {

std::expected<Translation, Code> Tlb::fill(std::span<const std::byte> memory, const Range& pages,
                                           Use use) {
  counters_.misses.add();
  if (const auto mapping = mapping_worth_keeping(pages, use)) {
    auto slot = watch_->add(pages, *mapping);
    if (!slot && watch_->full() && evict()) slot = watch_->add(pages, *mapping);
    if (slot) {
      const auto filled = fill_watched(*slot, pages, use);
      // What can not be pinned now may still be copied.
      if (filled || filled.error() != Code::kWouldBlock) return filled;
    }
    counters_.not_kept.add();
  }
  return fill_once(memory, pages, use);
}

// The second time that it is asked for.
std::optional<Range> Tlb::mapping_worth_keeping(const Range& pages, Use use) {
  if (watch_ == nullptr || !repeats_.seen(pages)) return std::nullopt;
  auto mapping = keepable_mapping(pages, use != Use::kSend);
  if (!mapping) counters_.not_kept.add();
  return mapping;
}

// The slot is there before the pages are pinned, and becomes valid only if nothing has happened to
// them by the time they are: otherwise what was pinned serves this request, whose memory is its own
// and has not changed since it began, and no other.
std::expected<Translation, Code> Tlb::fill_watched(SlotId slot, const Range& pages, Use use) {
  const auto lkey = pin(pages.memory(), pages, use);
  if (!lkey) {
    watch_->remove(slot);
    return std::unexpected(lkey.error());
  }
  Entry entry{.bytes = pages.bytes(),
              .lkey = *lkey,
              .slot = slot,
              .kept = true,
              .writable = use != Use::kSend,
              .receive = use == Use::kReceive};
  if (watch_->confirm(slot)) {
    counters_.cached.add();
    return enter(entry, &pages);
  }
  watch_->remove(slot);
  entry.slot.reset();
  entry.kept = false;
  counters_.per_operation.add();
  return enter(entry, nullptr);
}

std::expected<Translation, Code> Tlb::fill_once(std::span<const std::byte> memory,
                                                const Range& pages, Use use) {
  if (use == Use::kSend) {
    if (const auto copied = copy(memory)) return *copied;
  }
  const auto lkey = pin(memory, pages, use);
  if (!lkey) return std::unexpected(lkey.error());
  counters_.per_operation.add();
  return enter({.bytes = pages.bytes(),
                .lkey = *lkey,
                .slot = {},
                .kept = false,
                .writable = use != Use::kSend,
                .receive = use == Use::kReceive},
               nullptr);
}

// Precondition: a number is free, which pin() sees to.
Translation Tlb::enter(const Entry& entry, const Range* kept_range) {
  const bool fresh = free_.empty();
  const TranslationId id = fresh ? fresh_++ : free_.back();
  if (!fresh) free_.pop_back();
  entries_[id] = entry;
  uses_[id] = 1;
  note_use(entry);
  if (kept_range != nullptr) {
    ranges_.insert(id, *kept_range);
    replacement_->insert(id);
  }
  return {.lkey = entry.lkey, .id = id};
}

}  // namespace mapwire::tlb
