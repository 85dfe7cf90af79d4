// Counters in shared memory: cheap to count, readable by other processes while the owner runs,
// hangs or after it died. A block is one file in /dev/shm/mapwire.<uid>/ (mode 0700), named by pid
// and start time; its layout is in proto/counter_layout.h.
//
// Threads: each counter has one writing thread at a time; anyone may read at any time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "mapwire/runtime/counter_reader.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

// A handle on one counter. A default-made one counts nothing.
class Counter {
 public:
  Counter() = default;
  explicit Counter(std::atomic<std::uint64_t>* cell) : cell_{cell} {}
  // Adds `amount`. One writer, so a load and a store do; a reader never sees a torn value.
  void add(std::uint64_t amount = 1) {
    if (cell_ == nullptr) return;
    cell_->store(cell_->load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const {
    return cell_ == nullptr ? 0 : cell_->load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>* cell_ = nullptr;
};

// A block of counters of this process, which may have several (one per context). Destroying it
// removes the file; a process that died leaves it, so that it can still be read. The 16 newest
// files of the dead are kept and a later create() of the same user removes the others.
class CounterBlock {
 public:
  // Makes a block, 64 KiB of /dev/shm. Errors: kPermission (the directory is not this user's
  // alone), kOutOfMemory (/dev/shm is full), kLimitReached (256 blocks), kSystemCall (no /dev/shm).
  static std::expected<std::unique_ptr<CounterBlock>, Error> create();
  CounterBlock(const CounterBlock&) = delete;
  CounterBlock& operator=(const CounterBlock&) = delete;
  ~CounterBlock();

  // The counter of this name (at most 47 characters of [a-z0-9_.]), made with value 0 if it is new.
  // A handle that counts nothing if the block is full (1023 counters) or the name is none; counted
  // itself, as "counters.refused". The handle is valid while the block lives. Not for the hot path;
  // one thread at a time.
  Counter counter(std::string_view name);

  // The counters of process `pid` as read_counters() has them, in order of creation; those of equal
  // name in several blocks are added up.
  static std::expected<std::vector<CounterValue>, Error> read(std::int32_t pid);

  // The counters in a copy of a block's file. Errors: kBadFile, which calls the file `name`.
  static std::expected<std::vector<CounterValue>, Error> parse(
      std::span<const std::byte> file, std::string_view name = "counter file");

 private:
  struct State;
  explicit CounterBlock(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mapwire
