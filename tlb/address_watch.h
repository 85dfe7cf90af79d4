// Tells whether pinned pages are still those of their addresses. One per process, as the kernel
// lets a mapping be watched by one descriptor only: whoever keeps translations shares it.
//
// The order of things is what makes it sound (docs/tlb.md). The kernel raises a count before the
// addresses of an unmapping can be used again, and lowers it after its event was read; the monitor
// sets `pending` before it reads an event and clears it after the slots concerned are dead. Who
// looks (probe, then pending, then the slot) therefore sees at least one of the three.
//
// Threads: any may call anything. The monitor thread takes no lock, frees and allocates nothing and
// runs with all signals blocked, as whoever changes watched memory waits for it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/tlb/quarantine.h"
#include "mapwire/tlb/range.h"
#include "mapwire/tlb/user_fault.h"
#include "mapwire/tlb/watch_slots.h"

namespace mapwire::tlb {

class AddressWatch {
 public:
  // The one of the process, made when somebody first asks. It stays to the end of the process: a
  // child of fork(2) may hold the descriptors open, and then memory that is still watched would be
  // unmapped by waiting for nobody. In a child it is another. Errors: of UserFault::open, and
  // kSystemCall if the kernel does not answer as this needs it (self_test.h).
  static std::expected<AddressWatch*, Error> get();
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;

  // Starts to watch `range` of `mapping` (mapping.h), before its pages are pinned. The whole
  // mapping is watched, so that it stays one, which some system calls ask for. Nothing: it can not
  // be now.
  std::optional<SlotId> add(const Range& range, const Range& mapping);
  // Whether no more can be watched before something is removed.
  bool full() const { return slots_full_.load(std::memory_order_relaxed); }
  // To be called when they are pinned. False: they may be others than those of the addresses, so
  // they must not be used again.
  bool confirm(SlotId id);
  // The pages are pinned no more.
  void remove(SlotId id);

  enum class Verdict : std::uint8_t {
    kSame,      // the pages pinned are those of the addresses
    kChanging,  // not to be told now
    kChanged,   // never again
  };
  // Of a confirmed slot and a part of its range. One system call.
  Verdict verify(SlotId id, const Range& part) const;

  // How many slots have died.
  std::uint64_t deaths() const { return deaths_.load(std::memory_order_relaxed); }
  bool dead(SlotId id) const { return !slots_.alive(id); }
  // Ranges that were put into quarantine.
  std::uint64_t quarantined() const { return quarantined_.load(std::memory_order_relaxed); }

  // An eventfd that is written whenever slots have died, until it is given back. It stays the
  // watch's. -1: there is none left.
  int subscribe();
  void unsubscribe(int fd);

  // For tests: the monitor waits so long before it reads an event.
  void delay_monitor(std::uint64_t delay_ns) { monitor_delay_ns_ = delay_ns; }

 private:
  // Changes of memory watched through one descriptor make only the slots of that one wait.
  struct Lane {
    UserFault fault;
    LazyMemory page{
        kPageBytes};  // watched for ever: its probe tells whether some change is under way
    std::atomic<bool> pending = false;
    Quarantine quarantine;
    explicit Lane(UserFault watch);
    Range steady() const { return *pages_of(page.bytes()); }
  };
  static constexpr std::size_t kLanes = 4;
  struct Subscriber {
    std::atomic<int> fd = -1;  // never closed, as the monitor may be about to write to it
    std::atomic<bool> taken = false;
  };
  static constexpr std::size_t kSubscribers = 64;

  explicit AddressWatch(std::array<std::optional<UserFault>, kLanes> faults);
  static std::expected<AddressWatch*, Error> create();

  bool in_child() const { return *parents_ == std::byte{0}; }
  const Lane& lane_of(SlotId id) const { return *lanes_[slots_.lane(id)]; }
  std::optional<SlotId> add_in(std::uint32_t lane, const Range& range, const Range& mapping);
  bool quarantined(const Range& range) const;
  bool watched_elsewhere(const Range& mapping, std::uint32_t lane) const;
  bool watch_rest(const Range& mapping, std::uint32_t lane);
  void drop_unwatched(const Range& range);

  // The monitor's (monitor.cc).
  [[noreturn]] void monitor();
  void serve(Lane& lane);
  bool settle();
  void apply(Lane& lane, const Change& change);
  void kill(const Range& range);

  // One byte that a child of fork(2) finds to be 0: the descriptors are its parent's.
  LazyMemory page_;
  std::byte* parents_;
  std::mutex mutex_;  // slots are taken and freed, ranges watched
  WatchSlots slots_;
  std::atomic<bool> slots_full_ = false;
  std::array<std::unique_ptr<Lane>, kLanes> lanes_;
  std::array<Subscriber, kSubscribers> subscribers_;
  std::atomic<std::uint64_t> deaths_ = 0;
  std::atomic<std::uint64_t> quarantined_ = 0;
  std::atomic<std::uint64_t> monitor_delay_ns_ = 0;
};

}  // namespace mapwire::tlb
