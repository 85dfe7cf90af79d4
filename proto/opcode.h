// RC and UD opcodes of the InfiniBand Architecture (IBTA 1.4, section 9.2.1, table 38) and what
// each implies about the rest of the packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mapwire::proto {

enum class Opcode : std::uint8_t {
  kSendFirst = 0x00,
  kSendMiddle = 0x01,
  kSendLast = 0x02,
  kSendLastImmediate = 0x03,
  kSendOnly = 0x04,
  kSendOnlyImmediate = 0x05,
  kWriteFirst = 0x06,
  kWriteMiddle = 0x07,
  kWriteLast = 0x08,
  kWriteLastImmediate = 0x09,
  kWriteOnly = 0x0a,
  kWriteOnlyImmediate = 0x0b,
  kReadRequest = 0x0c,
  kReadResponseFirst = 0x0d,
  kReadResponseMiddle = 0x0e,
  kReadResponseLast = 0x0f,
  kReadResponseOnly = 0x10,
  kAcknowledge = 0x11,
  kAtomicAcknowledge = 0x12,
  kCompareSwap = 0x13,
  kFetchAdd = 0x14,
  kUdSendOnly = 0x64,
};

// What a packet belongs to.
enum class PacketKind : std::uint8_t {
  kSend,
  kWrite,
  kReadRequest,
  kReadResponse,
  kAcknowledge,
  kAtomicAcknowledge,
  kAtomic,
  kDatagram,
};

// Where a packet stands in its message. "Only" is both first and last.
struct OpcodeTraits {
  PacketKind kind;
  bool first;
  bool last;
  bool immediate;  // an ImmDt follows
  bool reth;       // a RETH follows the BTH
  bool aeth;       // an AETH follows the BTH
  bool payload;    // data may follow the headers
  std::string_view name;
};

// The traits of an opcode byte, or nothing if mapwire does not know it.
std::optional<OpcodeTraits> opcode_traits(std::uint8_t opcode);

// The traits of an opcode that is known to be valid.
const OpcodeTraits& opcode_traits(Opcode opcode);

}  // namespace mapwire::proto
