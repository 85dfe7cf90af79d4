// The messages of the InfiniBand communication manager byte for byte: the data of a MAD, behind its
// header. IBTA 1.4, sections 12.6.5 (REQ) to 12.6.12 (DREP). Bits are numbered as there; fields of
// reliable datagrams, which nobody speaks, and of alternate paths are reserved bytes here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mapwire/proto/address.h"
#include "mapwire/proto/endian.h"
#include "mapwire/proto/mad.h"

namespace mapwire::proto {

template <std::size_t kBytes>
using RawBytes = std::array<std::byte, kBytes>;

// REQ: IBTA 12.6.5.
struct CmReqWire {
  be32 local_comm_id;
  be32 reserved4;
  be64 service_id;
  be64 ca_guid;
  be32 reserved24;
  be32 qkey;
  be24 qpn;
  std::uint8_t responder_resources = 0;
  be24 reserved36;
  std::uint8_t initiator_depth = 0;
  be24 reserved40;
  std::uint8_t remote_timeout = 0;  // response timeout 0xf8, transport 0x06, flow control 0x01
  be24 starting_psn;
  std::uint8_t local_timeout = 0;  // response timeout 0xf8, retry count 0x07
  be16 pkey;
  std::uint8_t path_mtu = 0;    // MTU code 0xf0, RDC 0x08, RNR retry count 0x07
  std::uint8_t cm_retries = 0;  // most CM retries 0xf0, SRQ 0x08, extended transport 0x07
  be16 local_lid;
  be16 remote_lid;
  Gid local_gid{};
  Gid remote_gid{};
  be32 flow_label;  // 20 bits on top, packet rate 0x3f
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 0;
  std::uint8_t service_level = 0;  // SL 0xf0, subnet local 0x08
  std::uint8_t ack_timeout = 0;    // 0xf8
  RawBytes<44> alternate_path{};
  RawBytes<92> private_data{};
};
static_assert(WireStruct<CmReqWire> && sizeof(CmReqWire) == kMadDataBytes);
static_assert(offsetof(CmReqWire, service_id) == 8 && offsetof(CmReqWire, ca_guid) == 16);
static_assert(offsetof(CmReqWire, qpn) == 32 && offsetof(CmReqWire, responder_resources) == 35);
static_assert(offsetof(CmReqWire, initiator_depth) == 39);
static_assert(offsetof(CmReqWire, remote_timeout) == 43);
static_assert(offsetof(CmReqWire, starting_psn) == 44 && offsetof(CmReqWire, local_timeout) == 47);
static_assert(offsetof(CmReqWire, pkey) == 48 && offsetof(CmReqWire, path_mtu) == 50);
static_assert(offsetof(CmReqWire, cm_retries) == 51 && offsetof(CmReqWire, local_lid) == 52);
static_assert(offsetof(CmReqWire, local_gid) == 56 && offsetof(CmReqWire, remote_gid) == 72);
static_assert(offsetof(CmReqWire, flow_label) == 88 && offsetof(CmReqWire, hop_limit) == 93);
static_assert(offsetof(CmReqWire, ack_timeout) == 95 && offsetof(CmReqWire, private_data) == 140);

// MRA, message receipt acknowledgement: IBTA 12.6.6.
struct CmMraWire {
  be32 local_comm_id;
  be32 remote_comm_id;
  std::uint8_t message = 0;          // CmAnswered 0xc0
  std::uint8_t service_timeout = 0;  // 0xf8
  RawBytes<222> private_data{};
};
static_assert(WireStruct<CmMraWire> && sizeof(CmMraWire) == kMadDataBytes);

// REJ: IBTA 12.6.7.
struct CmRejWire {
  be32 local_comm_id;
  be32 remote_comm_id;
  std::uint8_t message = 0;      // CmAnswered 0xc0
  std::uint8_t info_length = 0;  // 0xfe
  be16 reason;
  RawBytes<72> info{};
  RawBytes<148> private_data{};
};
static_assert(WireStruct<CmRejWire> && sizeof(CmRejWire) == kMadDataBytes);
static_assert(offsetof(CmRejWire, reason) == 10 && offsetof(CmRejWire, private_data) == 84);

// REP: IBTA 12.6.8.
struct CmRepWire {
  be32 local_comm_id;
  be32 remote_comm_id;
  be32 qkey;
  be24 qpn;
  std::uint8_t reserved15 = 0;
  be24 reserved16;
  std::uint8_t reserved19 = 0;
  be24 starting_psn;
  std::uint8_t reserved23 = 0;
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::uint8_t target_ack_delay = 0;  // 0xf8, failover accepted 0x06, flow control 0x01
  std::uint8_t rnr_retry_count = 0;   // 0xe0, SRQ 0x10
  be64 ca_guid;
  RawBytes<196> private_data{};
};
static_assert(WireStruct<CmRepWire> && sizeof(CmRepWire) == kMadDataBytes);
static_assert(offsetof(CmRepWire, qpn) == 12 && offsetof(CmRepWire, starting_psn) == 20);
static_assert(offsetof(CmRepWire, responder_resources) == 24);
static_assert(offsetof(CmRepWire, rnr_retry_count) == 27 && offsetof(CmRepWire, ca_guid) == 28);

// RTU, ready to use (IBTA 12.6.9), and DREP, reply to a disconnect request (IBTA 12.6.12).
struct CmIdsWire {
  be32 local_comm_id;
  be32 remote_comm_id;
  RawBytes<224> private_data{};
};
static_assert(WireStruct<CmIdsWire> && sizeof(CmIdsWire) == kMadDataBytes);

// DREQ, disconnect request: IBTA 12.6.11.
struct CmDreqWire {
  be32 local_comm_id;
  be32 remote_comm_id;
  be24 remote_qpn;
  std::uint8_t reserved11 = 0;
  RawBytes<220> private_data{};
};
static_assert(WireStruct<CmDreqWire> && sizeof(CmDreqWire) == kMadDataBytes);

}  // namespace mapwire::proto
