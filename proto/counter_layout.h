// The file of a process's counters, as it lies in shared memory: a header and an array of counters,
// each in a cache line of its own so that two writers never share one. Readers copy the file and
// check it before they believe it: the owner may be another version, hang, or have died half-way.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mapwire::proto {

inline constexpr std::uint64_t kCounterMagic = 0x7372'746e'6377'6d00;  // "\0mwcntrs"
inline constexpr std::uint32_t kCounterVersion = 1;
inline constexpr std::size_t kCounterNameBytes = 48;  // with the terminating zero
// Some 30 of the NIC and a few dozen per endpoint that wants its own.
inline constexpr std::uint32_t kCountersMax = 1023;

// Whether `name` may name a counter: 1 to 47 characters of [a-z0-9_.].
constexpr bool is_counter_name(std::string_view name) {
  return !name.empty() && name.size() < kCounterNameBytes &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == name.npos;
}

struct CounterHeader {
  std::uint64_t magic;
  std::uint32_t version;             // never moves
  std::int32_t pid;                  // of the owner, in its own pid namespace
  std::uint64_t process_start;       // clock ticks after boot: proc(5), /proc/PID/stat, field 22
  std::atomic<std::uint32_t> count;  // counters in use; published after name and value are written
  std::array<std::uint8_t, 36> reserved;
};
static_assert(sizeof(CounterHeader) == 64);
static_assert(offsetof(CounterHeader, version) == 8 && offsetof(CounterHeader, count) == 24);

struct CounterCell {
  std::atomic<std::uint64_t> value;
  std::array<char, kCounterNameBytes> name;  // [a-z0-9_.], filled up with zeros
  std::array<std::uint8_t, 8> reserved;
};
static_assert(sizeof(CounterCell) == 64 && offsetof(CounterCell, name) == 8);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct CounterFile {
  CounterHeader header;
  std::array<CounterCell, kCountersMax> cells;
};
static_assert(sizeof(CounterFile) == 65536);

}  // namespace mapwire::proto
