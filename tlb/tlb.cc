#include "mapwire/tlb/tlb.h"

#include <algorithm>
#include <cstdlib>
#include <expected>

namespace mapwire::tlb {
namespace {

// Translations kept and made for one request, together: what the watch can hold and as many again.
constexpr std::size_t kEntries = 16'384;
// Eight pieces to send (a quarter of the budget), and always one to receive.
constexpr std::size_t kPiecesOfBudget = 32;
constexpr std::size_t kCopyShare = 16;  // the part of the budget that slots for copies have at most

std::size_t piece_of(std::size_t budget_bytes) {
  const std::size_t pages = budget_bytes / kPiecesOfBudget & ~(kPageBytes - 1);
  return std::clamp(pages, kPageBytes, kPieceBytesMax);
}

}  // namespace

Tlb::Tlb(Nic& nic, std::uint32_t protection_domain, const TlbOptions& options,
         const TlbCounters& counters)
    : nic_{nic},
      protection_domain_{protection_domain},
      verify_{options.verify},
      counters_{counters},
      budget_{options.limits, counters.pinned_bytes, counters.regions},
      piece_bytes_{piece_of(options.limits.bytes)},
      ranges_{kEntries},
      replacement_{Replacement::make(options.policy, kEntries)},
      entries_{kEntries},
      uses_{kEntries},
      copy_slots_{options.copy_bytes, options.limits.bytes / kCopyShare} {
  free_.reserve(kEntries);
  if (!options.keep) {
    not_kept_reason_ = "switched off";
    return;
  }
  const auto watch = AddressWatch::get();
  if (!watch) {
    not_kept_reason_ = watch.error().message;
    return;
  }
  watch_ = *watch;
  deaths_seen_ = watch_->deaths();
  reap_fd_ = watch_->subscribe();
}

Tlb::~Tlb() {
  for (TranslationId id = 0; id < fresh_; ++id) {
    if (entries_[id].bytes != 0) unpin(entries_[id]);
  }
  while (!explicit_bytes_.empty()) deregister_memory(explicit_bytes_.begin()->first);
  if (reap_fd_ >= 0) watch_->unsubscribe(reap_fd_);
}

std::expected<Translation, Code> Tlb::translate(std::span<const std::byte> memory, Use use) {
  const auto pages = pages_of(memory);
  if (!pages) return std::unexpected(Code::kInvalidArgument);
  for (;;) {
    const TranslationId id = ranges_.find(*pages);
    if (id == RangeMap::kNone) return fill(memory, *pages, use);
    switch (holds(id, *pages, use)) {
      case Holds::kYes: return use_again(id);
      case Holds::kNotNow: return fill_once(memory, *pages, use);
      case Holds::kNo: break;  // it is forgotten now; another one may serve
    }
  }
}

Translation Tlb::use_again(TranslationId id) {
  counters_.hits.add();
  replacement_->touch(id);
  entries_[id].found = true;
  if (uses_[id]++ == 0) note_use(entries_[id]);
  return {.lkey = entries_[id].lkey, .id = id};
}

// What is charged to receives serves all uses, and nothing else serves a receive.
Tlb::Holds Tlb::holds(TranslationId id, const Range& pages, Use use) {
  const Entry& entry = entries_[id];
  const bool fits_use =
      use == Use::kSend || (entry.writable && (entry.receive || use != Use::kReceive));
  if (!fits_use) {
    forget(id);
    return Holds::kNo;
  }
  const auto verdict = verify_ ? watch_->verify(*entry.slot, pages) : AddressWatch::Verdict::kSame;
  switch (verdict) {
    case AddressWatch::Verdict::kSame: return Holds::kYes;
    case AddressWatch::Verdict::kChanging: counters_.refused.add(); return Holds::kNotNow;
    case AddressWatch::Verdict::kChanged: break;
  }
  counters_.stale.add();
  forget_changed(id);
  return Holds::kNo;
}

void Tlb::note_use(const Entry& entry) {
  ++in_use_;
  if (entry.receive) receive_bytes_in_use_ += entry.bytes;
}

void Tlb::release(TranslationId id) {
  if (uses_[id] == 0) std::abort();
  if (--uses_[id] != 0) return;
  --in_use_;
  if (entries_[id].receive) receive_bytes_in_use_ -= entries_[id].bytes;
  if (!entries_[id].kept) free(id);
}

// It is not found any more, and goes at once or with its last use.
void Tlb::forget(TranslationId id) {
  ranges_.erase(id);
  replacement_->erase(id);
  entries_[id].kept = false;
  if (uses_[id] == 0) free(id);
}

void Tlb::forget_changed(TranslationId id) {
  repeats_.on_change(ranges_.range(id), entries_[id].found);
  forget(id);
}

void Tlb::free(TranslationId id) {
  if (const auto copy = entries_[id].copy) {
    copy_slots_.give_back(*copy);
  } else {
    unpin(entries_[id]);
  }
  entries_[id] = {};
  free_.push_back(id);
}

void Tlb::reap() {
  deaths_seen_ = watch_->deaths();
  ranges_.for_each([this](TranslationId id) {
    if (!watch_->dead(*entries_[id].slot)) return;
    counters_.reaped.add();
    forget_changed(id);
  });
}

}  // namespace mapwire::tlb
