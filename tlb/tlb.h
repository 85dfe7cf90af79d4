// The user-level TLB of a context: from memory of the process to what its NIC needs to reach it.
// Pages are pinned when they are first used, kept pinned while there is room, and unpinned when
// others want it or their addresses come to mean other memory.
//
// A translation is never stale: the request that asks gets one of the pages that are at its
// addresses now, whatever was unmapped, moved or discarded before (address_watch.h). What can not
// be watched is pinned for one request.
//
// Threads: guarded by the context's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/process_memory.h"
#include "mapwire/tlb/address_watch.h"
#include "mapwire/tlb/copy_slots.h"
#include "mapwire/tlb/pin_budget.h"
#include "mapwire/tlb/range_map.h"
#include "mapwire/tlb/repeats.h"
#include "mapwire/tlb/replacement.h"
#include "mapwire/tlb/tlb_counters.h"

namespace mapwire::tlb {

// Long enough that the exchange of words for a piece is little beside it.
inline constexpr std::size_t kPieceBytesMax = std::size_t{1} << 20;

struct TlbOptions {
  PinLimits limits;
  Policy policy = Policy::kClock;
  // Messages of up to so many bytes whose memory is not kept are copied, as long as slots last,
  // which have a sixteenth of the budget. 0: none.
  std::size_t copy_bytes = 0;
  bool keep = true;    // false: every request that is not copied pins for itself
  bool verify = true;  // false: for tests that show what verification is for
};

// What the NIC does with the memory.
enum class Use : std::uint8_t {
  kSend,     // reads it
  kTarget,   // writes it, on our request
  kReceive,  // writes it when a peer wants: for a time that nobody knows
};

using TranslationId = std::uint32_t;

// Of memory that a request was posted with.
struct Translation {
  std::uint32_t lkey = 0;
  TranslationId id = 0;  // for release()
  // Where the bytes are instead, as they were when it was asked for. Null: in the memory itself.
  const std::byte* copy = nullptr;
};

class Tlb {
 public:
  // `nic` outlives it; regions are made in `protection_domain`. If nothing can be watched here, no
  // translation is kept: not_kept_reason() says why.
  Tlb(Nic& nic, std::uint32_t protection_domain, const TlbOptions& options,
      const TlbCounters& counters);
  Tlb(const Tlb&) = delete;
  Tlb& operator=(const Tlb&) = delete;
  // Unpins everything. The NIC uses none of it any more.
  ~Tlb();

  const PinLimits& limits() const { return budget_.limits(); }
  // The most of a message that goes in pieces which is to be exposed, or read into, at a time:
  // whole pages, a thirty-second part of the budget up to 1 MiB.
  std::size_t piece_bytes() const { return piece_bytes_; }
  // Empty: translations are kept.
  const std::string& not_kept_reason() const { return not_kept_reason_; }

  // A translation of `memory`, which is in use until release(). Errors:
  // - kWouldBlock: everything that is pinned is in use; again when a request has completed.
  // - kLimitReached: it is larger than all that may be pinned, beside what is set aside.
  // - kInvalidArgument: it is not mapped, has not the rights, or runs over the end of addresses.
  // - kOutOfMemory, kSystemCall: the device did not take it.
  std::expected<Translation, Code> translate(std::span<const std::byte> memory, Use use);
  void release(TranslationId id);
  // No translation is in use and no memory exposed: what would block now always would.
  bool idle() const { return in_use_ == 0 && exposed_bytes_ == 0; }

  // Memory that is registered until it is given back. Errors: those of Nic::register_memory, and
  // kLimitReached if it does not fit beside what is in use.
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access);
  void deregister_memory(std::uint32_t lkey);

  // So many bytes are to be free for memory that others register, whatever is translated from now
  // on: somebody who waits for us may have to register some before what we have in use comes free.
  void set_aside(std::size_t bytes) { set_aside_ = bytes; }

  // Lets the peer of a connection read `memory` until it is concealed: a part of a message that
  // goes in pieces. Pieces of all messages have a quarter of the budget, so that those who wait for
  // their peers to read leave room for reading. Errors: those of translate().
  std::expected<MemoryKeys, Code> expose(std::span<const std::byte> memory);
  void conceal(std::uint32_t lkey);

  // Whether the memory of some translations has changed, and their end. Cheap to ask.
  bool wants_reaping() const { return watch_ != nullptr && watch_->deaths() != deaths_seen_; }
  void reap();
  // Readable when somebody who does not ask should; -1 if nothing is kept. Stays the watch's.
  int reap_fd() const { return reap_fd_; }

  std::size_t kept() const { return ranges_.size(); }
  std::size_t pinned_bytes() const { return budget_.bytes(); }

 private:
  struct Entry {
    std::size_t bytes = 0;  // charged
    std::uint32_t lkey = 0;
    std::optional<SlotId> slot{};
    bool kept = false;   // in ranges_; otherwise it goes when it is out of use
    bool found = false;  // since it was kept
    bool writable = false;
    bool receive = false;
    std::optional<std::uint32_t> copy{};  // a slot; nothing else is pinned then
  };
  using Pinned = std::expected<std::uint32_t, Code>;  // an lkey

  enum class Holds : std::uint8_t { kYes, kNo, kNotNow };
  // Whether the translation still is one of `pages`, for that use. No: it is kept no more.
  Holds holds(TranslationId id, const Range& pages, Use use);
  Translation use_again(TranslationId id);

  // Filling (tlb_fill.cc).
  std::expected<Translation, Code> fill(std::span<const std::byte> memory, const Range& pages,
                                        Use use);
  std::optional<Range> mapping_worth_keeping(const Range& pages, Use use);
  std::expected<Translation, Code> fill_watched(SlotId slot, const Range& pages, Use use);
  std::expected<Translation, Code> fill_once(std::span<const std::byte> memory, const Range& pages,
                                             Use use);
  Translation enter(const Entry& entry, const Range* kept_range);

  // Copying (tlb_copy.cc).
  std::optional<Translation> copy(std::span<const std::byte> memory);
  bool pin_copy_slots();

  // Pinning (tlb_pin.cc).
  Pinned pin(std::span<const std::byte> memory, const Range& pages, Use use);
  // So that `left` bytes are free even then.
  Code make_room(std::size_t bytes, bool receive, std::size_t left);
  bool evict();
  std::expected<MemoryKeys, Error> register_now(std::span<std::byte> memory, Access access);
  void note_use(const Entry& entry);
  void unpin(const Entry& entry);
  void forget(TranslationId id);
  void forget_changed(TranslationId id);
  void free(TranslationId id);
  bool numbers_left() const { return !free_.empty() || fresh_ < entries_.size(); }

  Nic& nic_;
  std::uint32_t protection_domain_;
  bool verify_;
  AddressWatch* watch_ = nullptr;  // null: nothing is kept
  std::string not_kept_reason_;
  int reap_fd_ = -1;
  TlbCounters counters_;
  PinBudget budget_;
  std::size_t piece_bytes_;
  std::size_t set_aside_ = 0;
  RangeMap ranges_;
  std::unique_ptr<Replacement> replacement_;
  Repeats repeats_;
  // By TranslationId.
  LazyArray<Entry> entries_;
  LazyArray<std::uint32_t> uses_;  // requests under way
  std::vector<TranslationId> free_;
  TranslationId fresh_ = 0;               // numbers from here on were never used
  std::size_t in_use_ = 0;                // translations with uses
  std::size_t receive_bytes_in_use_ = 0;  // of them
  std::unordered_map<std::uint32_t, std::size_t> explicit_bytes_;  // by lkey
  std::size_t exposed_bytes_ = 0;                                  // of them
  ProcessMemory process_memory_;
  CopySlots copy_slots_;
  std::optional<std::uint32_t> copies_lkey_;  // while they are pinned
  bool copies_tried_ = false;
  std::uint64_t deaths_seen_ = 0;
};

}  // namespace mapwire::tlb
