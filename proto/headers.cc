#include "mapwire/proto/headers.h"

#include <cstdint>

namespace mapwire::proto {
namespace {

constexpr unsigned kSolicited = 0x80;
constexpr unsigned kMigration = 0x40;
constexpr unsigned kPadShift = 4;
constexpr unsigned kPadMask = 0x3;
constexpr unsigned kVersionMask = 0x0f;
constexpr unsigned kAckRequest = 0x80;
constexpr unsigned kAethTypeShift = 5;
constexpr unsigned kAethTypeMask = 0x3;
constexpr unsigned kAethValueMask = 0x1f;

std::uint8_t byte(unsigned value) { return static_cast<std::uint8_t>(value); }

}  // namespace

Bth decode(const BthWire& wire) {
  return Bth{.opcode = wire.opcode,
             .solicited = (wire.flags & kSolicited) != 0,
             .migration = (wire.flags & kMigration) != 0,
             .pad_bytes = byte((wire.flags >> kPadShift) & kPadMask),
             .transport_version = byte(wire.flags & kVersionMask),
             .pkey = wire.pkey,
             .dest_qpn = wire.dest_qpn,
             .ack_request = (wire.ack_request & kAckRequest) != 0,
             .psn = wire.psn};
}

BthWire encode(const Bth& bth) {
  BthWire wire{};
  wire.opcode = bth.opcode;
  wire.flags =
      byte((bth.solicited ? kSolicited : 0) | (bth.migration ? kMigration : 0) |
           (bth.pad_bytes & kPadMask) << kPadShift | (bth.transport_version & kVersionMask));
  wire.pkey = bth.pkey;
  wire.dest_qpn = bth.dest_qpn;
  wire.ack_request = byte(bth.ack_request ? kAckRequest : 0);
  wire.psn = bth.psn;
  return wire;
}

Reth decode(const RethWire& wire) {
  return {.address = wire.address, .rkey = wire.rkey, .length = wire.length};
}

RethWire encode(const Reth& reth) {
  return {.address = reth.address, .rkey = reth.rkey, .length = reth.length};
}

Aeth decode(const AethWire& wire) {
  return {.type = static_cast<AethType>((wire.syndrome >> kAethTypeShift) & kAethTypeMask),
          .value = byte(wire.syndrome & kAethValueMask),
          .msn = wire.msn};
}

AethWire encode(const Aeth& aeth) {
  auto type = static_cast<unsigned>(aeth.type) << kAethTypeShift;
  return {.syndrome = byte(type | (aeth.value & kAethValueMask)), .msn = aeth.msn};
}

AtomicEth decode(const AtomicEthWire& wire) {
  return {.address = wire.address,
          .rkey = wire.rkey,
          .swap_or_add = wire.swap_or_add,
          .compare = wire.compare};
}

AtomicEthWire encode(const AtomicEth& atomic) {
  return {.address = atomic.address,
          .rkey = atomic.rkey,
          .swap_or_add = atomic.swap_or_add,
          .compare = atomic.compare};
}

Deth decode(const DethWire& wire) { return {.qkey = wire.qkey, .source_qpn = wire.source_qpn}; }

DethWire encode(const Deth& deth) {
  return {.qkey = deth.qkey, .reserved = 0, .source_qpn = deth.source_qpn};
}

}  // namespace mapwire::proto
