// The ranges that translations are kept of, as the monitor sees them: a fixed table in memory of
// its own, which it reads and marks without a lock or an allocation.
//
// Threads: a slot is taken and freed by the thread that holds the table's owner's lock, and
// confirmed by the one that took it; kill() is the monitor's too; state() is anybody's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

using SlotId = std::uint32_t;

enum class SlotState : std::uint32_t {
  kFree,
  kProvisional,  // being filled: its pages may be pinned, but nobody may use them a second time
  kValid,
  kDead,  // what was there has changed
};

class WatchSlots {
 public:
  explicit WatchSlots(std::size_t size) : slots_{size} { free_.reserve(size); }

  std::size_t size() const { return slots_.size(); }

  // A provisional slot. Nothing: the table is full.
  std::optional<SlotId> take(const Range& range, const Range& mapping, std::uint32_t lane) {
    const auto id = unused();
    if (!id) return std::nullopt;
    Slot& slot = slots_[*id];
    word(slot.begin).store(range.begin, std::memory_order_relaxed);
    word(slot.end).store(range.end, std::memory_order_relaxed);
    slot.mapping = mapping;
    slot.lane = lane;
    set(*id, SlotState::kProvisional);
    return id;
  }
  void free(SlotId id) {
    set(id, SlotState::kFree);
    free_.push_back(id);
  }

  // Provisional to valid; false: it died.
  bool confirm(SlotId id) { return change(id, SlotState::kProvisional, SlotState::kValid); }

  SlotState state(SlotId id) const {
    return static_cast<SlotState>(
        std::atomic_ref{const_cast<std::uint32_t&>(slots_[id].state)}.load());
  }
  bool alive(SlotId id) const {
    const SlotState now = state(id);
    return now == SlotState::kProvisional || now == SlotState::kValid;
  }
  Range range(SlotId id) const {
    const Slot& slot = slots_[id];
    return {.begin = word(const_cast<std::uintptr_t&>(slot.begin)).load(std::memory_order_relaxed),
            .end = word(const_cast<std::uintptr_t&>(slot.end)).load(std::memory_order_relaxed)};
  }
  // What is watched for it; not for the monitor.
  const Range& mapping(SlotId id) const { return slots_[id].mapping; }
  std::uint32_t lane(SlotId id) const { return slots_[id].lane; }

  // Ends a living slot; true if it was alive.
  bool kill(SlotId id) {
    return change(id, SlotState::kValid, SlotState::kDead) ||
           change(id, SlotState::kProvisional, SlotState::kDead);
  }

  // Calls `visit` with each living slot whose range overlaps.
  template <class Visit>
  void for_each_overlap(const Range& range, const Visit& visit) const {
    const SlotId used = used_.load();
    for (SlotId id = 0; id < used; ++id) {
      if (alive(id) && this->range(id).overlaps(range)) visit(id);
    }
  }

 private:
  struct Slot {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    Range mapping;
    std::uint32_t state = 0;
    std::uint32_t lane = 0;
  };

  std::optional<SlotId> unused() {
    if (!free_.empty()) {
      const SlotId id = free_.back();
      free_.pop_back();
      return id;
    }
    const SlotId id = used_.load(std::memory_order_relaxed);
    if (id == slots_.size()) return std::nullopt;
    used_.store(id + 1);
    return id;
  }
  static std::atomic_ref<std::uintptr_t> word(std::uintptr_t& value) {
    return std::atomic_ref{value};
  }
  void set(SlotId id, SlotState state) {
    std::atomic_ref{slots_[id].state}.store(static_cast<std::uint32_t>(state));
  }
  bool change(SlotId id, SlotState from, SlotState to) {
    auto expected = static_cast<std::uint32_t>(from);
    return std::atomic_ref{slots_[id].state}.compare_exchange_strong(
        expected, static_cast<std::uint32_t>(to));
  }

  LazyArray<Slot> slots_;
  std::vector<SlotId> free_;
  std::atomic<SlotId> used_ = 0;  // slots from here on were never taken
};

}  // namespace mapwire::tlb
