// Descriptors and completions as they lie in the rings between an application and a NIC. Every
// party that maps a ring agrees on this layout; kDescriptorVersion names it and stands in the
// ring's header. Multi-byte fields are little-endian. Reserved bytes are zero when written and
// checked when read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace mapwire::proto {

inline constexpr std::uint32_t kDescriptorVersion = 1;
inline constexpr std::size_t kSgeMax = 3;
// lkeys of memory that needs no registration at a NIC that shares the application's address space:
// any memory, which may even go while it is in use (the request fails then); and memory that the
// poster keeps mapped until the request completes, which costs no care.
inline constexpr std::uint32_t kAnyMemoryLkey = 0;
inline constexpr std::uint32_t kSteadyMemoryLkey = 1;
constexpr bool is_unregistered(std::uint32_t lkey) { return lkey <= kSteadyMemoryLkey; }
// IBTA 9.7.1: a message holds at most 2^31 bytes.
inline constexpr std::uint64_t kMessageBytesMax = std::uint64_t{1} << 31;

enum class WorkOpcode : std::uint8_t {
  kSend = 1,
  kSendImmediate = 2,
  kWrite = 3,
  kWriteImmediate = 4,
  kRead = 5,
  kCompareSwap = 6,
  kFetchAdd = 7,
  kReceive = 8,       // in completions only: a SEND arrived
  kReceiveWrite = 9,  // in completions only: a WRITE with immediate arrived
};

// One scatter/gather element: `bytes` of local memory at `address`.
struct Sge {
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  std::uint32_t lkey = kAnyMemoryLkey;
};
static_assert(sizeof(Sge) == 16 && offsetof(Sge, lkey) == 12);

inline constexpr std::uint8_t kFlagSolicited =
    1;  // SendDescriptor::flags: wake a sleeping receiver
inline constexpr std::uint8_t kFlagImmediate = 1;  // CompletionEntry::flags: `immediate` is valid

// A send-queue entry. `remote_*` are for WRITE, READ and atomics; compare and swap_or_add for
// atomics, whose single Sge receives the 8 original bytes.
struct SendDescriptor {
  std::uint64_t cookie = 0;
  WorkOpcode opcode = WorkOpcode::kSend;
  std::uint8_t sge_count = 0;
  std::uint8_t flags = 0;
  std::uint8_t reserved0 = 0;
  std::uint32_t immediate = 0;
  std::uint64_t remote_address = 0;
  std::uint32_t rkey = 0;
  std::uint32_t reserved1 = 0;
  std::uint64_t compare = 0;
  std::uint64_t swap_or_add = 0;
  std::array<Sge, kSgeMax> sge{};
  std::array<std::uint64_t, 4> reserved2{};
};
static_assert(sizeof(SendDescriptor) == 128 && std::is_trivially_copyable_v<SendDescriptor>);
static_assert(offsetof(SendDescriptor, remote_address) == 16 &&
              offsetof(SendDescriptor, sge) == 48);

// A receive-queue entry. The message is scattered over the elements in order.
struct ReceiveDescriptor {
  std::uint64_t cookie = 0;
  std::uint8_t sge_count = 0;
  std::array<std::uint8_t, 7> reserved{};
  std::array<Sge, kSgeMax> sge{};
};
static_assert(sizeof(ReceiveDescriptor) == 64 && offsetof(ReceiveDescriptor, sge) == 16);

// A completion-queue entry. `bytes` is the length received, read or sent; it is 0 unless status is
// kOk (a receive that was too small has the length of nothing).
struct CompletionEntry {
  std::uint64_t cookie = 0;
  std::uint32_t qpn = 0;
  std::uint32_t immediate = 0;
  std::uint64_t bytes = 0;
  std::uint16_t status = 0;  // a Code of code.h
  WorkOpcode opcode = WorkOpcode::kSend;
  std::uint8_t flags = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(CompletionEntry) == 32 && offsetof(CompletionEntry, status) == 24);

}  // namespace mapwire::proto
