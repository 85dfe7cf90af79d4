// The messages of the InfiniBand communication manager as plain values, and the MADs that carry
// them. IBTA 1.4, chapter 12. Fields that no RoCE connection uses are written as zeros and ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <variant>

#include "mapwire/proto/address.h"
#include "mapwire/proto/cm_wire.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/mad.h"

namespace mapwire::proto {

// Timeouts of the communication manager are 5-bit exponents: IBTA 12.6.5 has 4.096 us * 2^value.
constexpr std::uint64_t cm_timeout_ns(std::uint8_t exponent) {
  return std::uint64_t{4096} << (exponent & 0x1fU);
}

// Which message an MRA or REJ answers.
enum class CmAnswered : std::uint8_t { kReq = 0, kRep = 1, kOther = 2 };

// Why a connection was refused: IBTA 12.6.7.2, table 108. Any other number may come.
enum class CmRejectReason : std::uint16_t {
  kNoQueuePair = 1,
  kNoResources = 3,
  kTimeout = 4,
  kUnsupported = 5,
  kInvalidCommId = 6,
  kInvalidServiceId = 8,
  kInvalidTransport = 9,
  kStaleConnection = 10,
  kInvalidPathMtu = 26,
  kConsumer = 28,
  kDuplicateCommId = 30,
};
// "invalid_service_id"; "other" for a number that is not listed.
std::string_view name(CmRejectReason reason);

enum class CmTransport : std::uint8_t { kRc = 0, kUc = 1, kRd = 2 };

struct CmReq {
  std::uint32_t local_comm_id = 0;
  std::uint64_t service_id = 0;
  std::uint64_t ca_guid = 0;
  std::uint32_t qpn = 0;                 // 24 bits
  std::uint8_t responder_resources = 0;  // READs and atomics the sender of the REQ serves at once
  std::uint8_t initiator_depth = 0;      // and those it wants to have outstanding
  std::uint8_t remote_timeout = 0;       // exponent: within which the receiver is to answer
  CmTransport transport = CmTransport::kRc;
  bool flow_control = false;
  std::uint32_t starting_psn = 0;  // 24 bits: the PSN that the *receiver* begins to send with
  std::uint8_t local_timeout = 0;  // exponent: within which the sender answers a REP
  std::uint8_t retry_count = 0;    // 3 bits: of the receiver's queue pair
  std::uint16_t pkey = kDefaultPkey;
  std::uint8_t path_mtu = 0;         // 4 bits: 1 for 256 .. 5 for 4096 bytes
  std::uint8_t rnr_retry_count = 0;  // 3 bits: of the receiver's queue pair
  std::uint8_t cm_retries = 0;       // 4 bits: times that an unanswered message is repeated
  bool srq = false;
  std::uint16_t local_lid = 0xffff;  // RoCE has none: the permissive LID
  std::uint16_t remote_lid = 0xffff;
  Gid local_gid{};
  Gid remote_gid{};
  std::uint32_t flow_label = 0;  // 20 bits
  std::uint8_t packet_rate = 0;  // 6 bits
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 0;
  bool subnet_local = false;
  std::uint8_t ack_timeout = 0;  // exponent: of the receiver's queue pair
  RawBytes<92> private_data{};
  friend bool operator==(const CmReq&, const CmReq&) = default;
};

struct CmMra {
  std::uint32_t local_comm_id = 0;
  std::uint32_t remote_comm_id = 0;
  CmAnswered message = CmAnswered::kReq;
  std::uint8_t service_timeout = 0;  // exponent: within which the real answer comes
  RawBytes<222> private_data{};
  friend bool operator==(const CmMra&, const CmMra&) = default;
};

struct CmRej {
  std::uint32_t local_comm_id = 0;  // 0 if the refused message could not be assigned
  std::uint32_t remote_comm_id = 0;
  CmAnswered message = CmAnswered::kReq;
  CmRejectReason reason = CmRejectReason::kConsumer;
  // For kTimeout the GUID of the channel adapter that gives up: its peer may not know the comm ID
  // of the refused message. Otherwise 0.
  std::uint64_t ca_guid = 0;
  RawBytes<148> private_data{};
  friend bool operator==(const CmRej&, const CmRej&) = default;
};

struct CmRep {
  std::uint32_t local_comm_id = 0;
  std::uint32_t remote_comm_id = 0;
  std::uint32_t qpn = 0;           // 24 bits
  std::uint32_t starting_psn = 0;  // 24 bits: the PSN that the *receiver* begins to send with
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::uint8_t target_ack_delay = 0;  // exponent
  bool flow_control = false;
  std::uint8_t rnr_retry_count = 0;  // 3 bits: of the receiver's queue pair
  bool srq = false;
  std::uint64_t ca_guid = 0;
  RawBytes<196> private_data{};
  friend bool operator==(const CmRep&, const CmRep&) = default;
};

struct CmRtu {
  std::uint32_t local_comm_id = 0;
  std::uint32_t remote_comm_id = 0;
  RawBytes<224> private_data{};
  friend bool operator==(const CmRtu&, const CmRtu&) = default;
};

struct CmDreq {
  std::uint32_t local_comm_id = 0;
  std::uint32_t remote_comm_id = 0;
  std::uint32_t remote_qpn = 0;  // 24 bits: the receiver's
  RawBytes<220> private_data{};
  friend bool operator==(const CmDreq&, const CmDreq&) = default;
};

struct CmDrep {
  std::uint32_t local_comm_id = 0;
  std::uint32_t remote_comm_id = 0;
  RawBytes<224> private_data{};
  friend bool operator==(const CmDrep&, const CmDrep&) = default;
};

using CmMessage = std::variant<CmReq, CmMra, CmRej, CmRep, CmRtu, CmDreq, CmDrep>;

struct CmMad {
  std::uint64_t transaction_id = 0;  // the same in all messages of one exchange
  CmMessage message;
  friend bool operator==(const CmMad&, const CmMad&) = default;
};

enum class MadError : std::uint8_t {
  kBadLength,         // not kMadBytes
  kBadVersion,        // of the base or of the class
  kOtherClass,        // not the communication manager's
  kBadMethod,         // not Send
  kUnknownAttribute,  // a message this file does not know (SIDR, LAP, ...)
};
std::string_view name(MadError error);

// Decodes a MAD of the communication manager. Never reads outside `bytes`. Whether its values are
// acceptable is the receiver's decision.
std::expected<CmMad, MadError> parse_cm_mad(std::span<const std::byte> bytes);

// Encodes a MAD.
RawBytes<kMadBytes> write_cm_mad(const CmMad& mad);

}  // namespace mapwire::proto
