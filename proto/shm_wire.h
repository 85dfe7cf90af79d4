// The wire between two soft NICs of one host. Each process has a block of memory per peer process,
// which it alone writes and the other reads: a header, a ring of cells, and an area for payloads
// that do not fit into a cell. A cell is one cache line, so that a small message moves as one.
// Numbers are those of the host. Every field is the peer's to forge: copied once, then checked.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "mapwire/proto/ring_layout.h"

namespace mapwire::proto {

inline constexpr std::uint32_t kShmMagic = 0x4d57'534d;  // "MWSM"
inline constexpr std::uint32_t kShmVersion = 1;
inline constexpr std::uint32_t kShmCells = 1024;            // a power of two
inline constexpr std::uint32_t kShmAreaBytes = 256 * 1024;  // stays in a second-level cache
// The largest piece of a message. Small enough that the receiver copies the first pieces of a
// message while the sender still copies the last.
inline constexpr std::uint32_t kShmPieceBytes = 8192;
// 2048 cells before the wrap of the counting; not fewer than a lap, as an unused cell has the
// sequence 0.
inline constexpr std::uint32_t kShmFirstPosition = 0xffff'f800;

struct ShmHeader {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t fences;  // not 0: this process cannot order the stores of others by membarrier(2)
  std::array<std::uint32_t, 13> reserved;
  // Position in the peer's ring up to which this process has read.
  alignas(kCacheLine) std::atomic<std::uint32_t> consumed;
  // Not 0: this process sleeps, and a message on the socket wakes it.
  alignas(kCacheLine) std::atomic<std::uint32_t> sleeping;
};
static_assert(sizeof(ShmHeader) == 3 * kCacheLine);

enum class ShmKind : std::uint8_t {
  kSend = 1,
  kWrite = 2,
  kRead = 3,
  kCompareSwap = 4,
  kFetchAdd = 5,
  kReadResponse = 6,
  kAtomicResponse = 7,
  kAcknowledge = 8,
  kNotReady = 9,    // no receive for `request`: it and what follows was dropped
  kReady = 10,      // there is one now: go on with `request`
  kRefused = 11,    // `request` failed; `immediate` is a Code
  kConnected = 12,  // the sender's queue pair is there; with kShmFirst the same is asked back
};

inline constexpr std::uint8_t kShmFirst = 1;      // ShmCell::flags: the first piece of its message
inline constexpr std::uint8_t kShmLast = 2;       // the last piece
inline constexpr std::uint8_t kShmImmediate = 4;  // `immediate` is valid
inline constexpr std::uint8_t kShmInArea = 8;     // the payload is not in the cell

struct ShmCell {
  std::atomic<std::uint32_t> sequence;  // its position + 1; written last
  ShmKind kind;
  std::uint8_t flags;
  std::uint16_t bytes;         // of payload
  std::uint32_t qpn;           // of the receiver
  std::uint32_t request;       // number of the work request in its queue pair
  std::uint32_t acknowledged;  // requests of the receiver's queue pair that were carried out
  std::uint32_t immediate;
  std::uint32_t area_offset;  // of the payload, with kShmInArea
  // kSend, kReadResponse, kAtomicResponse: payload. kWrite: ShmTarget, payload. kRead: ShmTarget.
  // Atomics: ShmTarget, compare, swap_or_add.
  std::array<std::byte, 36> body;
};
static_assert(sizeof(ShmCell) == kCacheLine && offsetof(ShmCell, body) == 28);

struct ShmTarget {
  std::uint64_t address;
  std::uint32_t rkey;
  std::uint32_t bytes;  // of the whole message from here on
};
static_assert(sizeof(ShmTarget) == 16 && std::is_trivially_copyable_v<ShmTarget>);

struct ShmAtomic {
  ShmTarget target;
  std::uint64_t compare;
  std::uint64_t swap_or_add;
};
static_assert(sizeof(ShmAtomic) == 32);

inline constexpr std::size_t kShmCellsOffset = 4096;
inline constexpr std::size_t kShmAreaOffset = kShmCellsOffset + kShmCells * sizeof(ShmCell);
inline constexpr std::size_t kShmBytes = kShmAreaOffset + kShmAreaBytes;

// The first message on the socket in each direction; comes with the descriptor of the sender's
// block. A later message is one byte that wakes a sleeper, or a ShmPassed.
struct ShmHello {
  std::uint32_t magic = kShmMagic;
  std::uint32_t version = kShmVersion;
  std::uint64_t receiver_nonce = 0;  // which the receiver told the sender by other ways
  std::uint64_t socket = 0;          // the sender's own
  std::uint64_t nonce = 0;
};
static_assert(sizeof(ShmHello) == 32 && std::is_trivially_copyable_v<ShmHello>);

// Comes with a descriptor, for the queue pair of the receiver.
struct ShmPassed {
  std::uint32_t qpn = 0;
};
static_assert(sizeof(ShmPassed) == 4);

}  // namespace mapwire::proto
