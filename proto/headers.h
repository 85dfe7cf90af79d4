// RoCEv2 transport headers (IBTA 1.4, chapter 9; RoCEv2 is annex A17). Each header has two types: a
// *Wire struct laid out byte for byte, and a plain value with the fields that carry meaning.
// decode() accepts every bit pattern: whether a value is acceptable is decided by packet.h and by
// the receiver.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/proto/endian.h"

namespace mapwire::proto {

inline constexpr std::uint32_t kPsnMask = 0xff'ffff;
inline constexpr std::uint32_t kQpnMask = 0xff'ffff;
inline constexpr std::uint16_t kDefaultPkey = 0xffff;
inline constexpr std::uint16_t kPkeyMembershipBit = 0x8000;  // full or limited member: IBTA 10.9.3
// Whether `pkey` is of the default partition, as a full or a limited member.
constexpr bool in_default_partition(std::uint16_t pkey) {
  return (pkey | kPkeyMembershipBit) == kDefaultPkey;
}

inline constexpr std::uint16_t kRocePort = 4791;  // IANA: RoCEv2 destination port

// BTH, base transport header: IBTA 9.2.
struct BthWire {
  std::uint8_t opcode = 0;
  std::uint8_t flags = 0;  // solicited 0x80, migration 0x40, pad count 0x30, version 0x0f
  be16 pkey;
  std::uint8_t resv8a = 0;  // FECN, BECN and reserved: masked out of the ICRC
  be24 dest_qpn;
  std::uint8_t ack_request = 0;  // 0x80, rest reserved
  be24 psn;
};
static_assert(WireStruct<BthWire> && sizeof(BthWire) == 12);
static_assert(offsetof(BthWire, pkey) == 2 && offsetof(BthWire, dest_qpn) == 5);
static_assert(offsetof(BthWire, ack_request) == 8 && offsetof(BthWire, psn) == 9);

struct Bth {
  std::uint8_t opcode = 0;
  bool solicited = false;
  bool migration = false;
  std::uint8_t pad_bytes = 0;          // 0..3, bytes between the payload and the ICRC
  std::uint8_t transport_version = 0;  // 0 is the only one defined
  std::uint16_t pkey = kDefaultPkey;
  std::uint32_t dest_qpn = 0;  // 24 bits
  bool ack_request = false;
  std::uint32_t psn = 0;  // 24 bits
  friend bool operator==(const Bth&, const Bth&) = default;
};
Bth decode(const BthWire& wire);
BthWire encode(const Bth& bth);

// RETH, RDMA extended transport header: IBTA 9.3.3.
struct RethWire {
  be64 address;
  be32 rkey;
  be32 length;
};
static_assert(WireStruct<RethWire> && sizeof(RethWire) == 16);
static_assert(offsetof(RethWire, rkey) == 8 && offsetof(RethWire, length) == 12);

struct Reth {
  std::uint64_t address = 0;
  std::uint32_t rkey = 0;
  std::uint32_t length = 0;  // bytes of the whole message
  friend bool operator==(const Reth&, const Reth&) = default;
};
Reth decode(const RethWire& wire);
RethWire encode(const Reth& reth);

// AETH, ACK extended transport header: IBTA 9.3.5, syndromes in 9.7.5.2.
struct AethWire {
  std::uint8_t syndrome = 0;
  be24 msn;
};
static_assert(WireStruct<AethWire> && sizeof(AethWire) == 4 && offsetof(AethWire, msn) == 1);

enum class AethType : std::uint8_t { kAck = 0, kRnrNak = 1, kReserved = 2, kNak = 3 };
enum class NakCode : std::uint8_t {
  kPsnSequenceError = 0,
  kInvalidRequest = 1,
  kRemoteAccessError = 2,
  kRemoteOperationalError = 3,
};
inline constexpr std::uint8_t kNoCreditLimit = 0x1f;  // credit code of an ACK without flow control

struct Aeth {
  AethType type = AethType::kAck;
  std::uint8_t value = kNoCreditLimit;  // 5 bits: credit code, RNR timer code or NakCode
  std::uint32_t msn = 0;                // 24 bits: messages completed by the responder
  friend bool operator==(const Aeth&, const Aeth&) = default;
};
Aeth decode(const AethWire& wire);
AethWire encode(const Aeth& aeth);

// ImmDt, immediate data: IBTA 9.3.6. Opaque to the transport; mapwire's value is a host number.
struct ImmediateWire {
  be32 value;
};
static_assert(WireStruct<ImmediateWire> && sizeof(ImmediateWire) == 4);

// AtomicETH: IBTA 9.3.4. The numbers apply to 8-byte little-endian memory at the target.
struct AtomicEthWire {
  be64 address;
  be32 rkey;
  be64 swap_or_add;
  be64 compare;
};
static_assert(WireStruct<AtomicEthWire> && sizeof(AtomicEthWire) == 28);
static_assert(offsetof(AtomicEthWire, swap_or_add) == 12 && offsetof(AtomicEthWire, compare) == 20);

struct AtomicEth {
  std::uint64_t address = 0;
  std::uint32_t rkey = 0;
  std::uint64_t swap_or_add = 0;
  std::uint64_t compare = 0;
  friend bool operator==(const AtomicEth&, const AtomicEth&) = default;
};
AtomicEth decode(const AtomicEthWire& wire);
AtomicEthWire encode(const AtomicEth& atomic);

// AtomicAckETH: IBTA 9.5.3. Follows the AETH.
struct AtomicAckWire {
  be64 original;
};
static_assert(WireStruct<AtomicAckWire> && sizeof(AtomicAckWire) == 8);

// DETH, datagram extended transport header: IBTA 9.3.1.
struct DethWire {
  be32 qkey;
  std::uint8_t reserved = 0;
  be24 source_qpn;
};
static_assert(WireStruct<DethWire> && sizeof(DethWire) == 8 && offsetof(DethWire, source_qpn) == 5);

struct Deth {
  std::uint32_t qkey = 0;
  std::uint32_t source_qpn = 0;
  friend bool operator==(const Deth&, const Deth&) = default;
};
Deth decode(const DethWire& wire);
DethWire encode(const Deth& deth);

}  // namespace mapwire::proto
