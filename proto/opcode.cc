#include "mapwire/proto/opcode.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace mapwire::proto {
namespace {

using enum PacketKind;

constexpr std::size_t kRcOpcodes = 0x15;

// Indexed by opcode. Columns: kind, first, last, immediate, RETH, AETH, payload, name.
constexpr std::array<OpcodeTraits, kRcOpcodes> kRcTraits{{
    {kSend, true, false, false, false, false, true, "SEND_FIRST"},
    {kSend, false, false, false, false, false, true, "SEND_MIDDLE"},
    {kSend, false, true, false, false, false, true, "SEND_LAST"},
    {kSend, false, true, true, false, false, true, "SEND_LAST_IMM"},
    {kSend, true, true, false, false, false, true, "SEND_ONLY"},
    {kSend, true, true, true, false, false, true, "SEND_ONLY_IMM"},
    {kWrite, true, false, false, true, false, true, "WRITE_FIRST"},
    {kWrite, false, false, false, false, false, true, "WRITE_MIDDLE"},
    {kWrite, false, true, false, false, false, true, "WRITE_LAST"},
    {kWrite, false, true, true, false, false, true, "WRITE_LAST_IMM"},
    {kWrite, true, true, false, true, false, true, "WRITE_ONLY"},
    {kWrite, true, true, true, true, false, true, "WRITE_ONLY_IMM"},
    {kReadRequest, true, true, false, true, false, false, "READ_REQUEST"},
    {kReadResponse, true, false, false, false, true, true, "READ_RESPONSE_FIRST"},
    {kReadResponse, false, false, false, false, false, true, "READ_RESPONSE_MIDDLE"},
    {kReadResponse, false, true, false, false, true, true, "READ_RESPONSE_LAST"},
    {kReadResponse, true, true, false, false, true, true, "READ_RESPONSE_ONLY"},
    {kAcknowledge, true, true, false, false, true, false, "ACKNOWLEDGE"},
    {kAtomicAcknowledge, true, true, false, false, true, false, "ATOMIC_ACKNOWLEDGE"},
    {kAtomic, true, true, false, false, false, false, "CMP_SWAP"},
    {kAtomic, true, true, false, false, false, false, "FETCH_ADD"},
}};

constexpr OpcodeTraits kUdTraits{kDatagram, true, true, false, false, false, true, "UD_SEND_ONLY"};

}  // namespace

std::optional<OpcodeTraits> opcode_traits(std::uint8_t opcode) {
  if (opcode < kRcOpcodes) return kRcTraits[opcode];
  if (opcode == static_cast<std::uint8_t>(Opcode::kUdSendOnly)) return kUdTraits;
  return std::nullopt;
}

const OpcodeTraits& opcode_traits(Opcode opcode) {
  if (opcode == Opcode::kUdSendOnly) return kUdTraits;
  return kRcTraits[static_cast<std::uint8_t>(opcode)];
}

}  // namespace mapwire::proto
