#include "mapwire/proto/cm_mad.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "mapwire/proto/endian.h"

namespace mapwire::proto {
namespace {

// IBTA 12.6.1, table 94: which message a MAD carries. In the order of CmMessage's alternatives.
constexpr std::uint16_t kFirstAttribute = 0x10;

// A field of `bits` bits that stands `shift` bits above the lowest of its byte.
constexpr std::uint8_t field(std::uint8_t byte, unsigned shift, unsigned bits) {
  return static_cast<std::uint8_t>((byte >> shift) & ((1U << bits) - 1));
}
constexpr std::uint8_t place(unsigned value, unsigned shift, unsigned bits) {
  return static_cast<std::uint8_t>((value & ((1U << bits) - 1)) << shift);
}
constexpr std::uint8_t join(std::uint8_t a, std::uint8_t b, std::uint8_t c = 0) {
  return static_cast<std::uint8_t>(a | b | c);
}

constexpr unsigned kFlowLabelShift = 12;
constexpr unsigned kPacketRateMask = 0x3f;

CmReq decode(const CmReqWire& wire) {
  return {.local_comm_id = wire.local_comm_id,
          .service_id = wire.service_id,
          .ca_guid = wire.ca_guid,
          .qpn = wire.qpn,
          .responder_resources = wire.responder_resources,
          .initiator_depth = wire.initiator_depth,
          .remote_timeout = field(wire.remote_timeout, 3, 5),
          .transport = static_cast<CmTransport>(field(wire.remote_timeout, 1, 2)),
          .flow_control = field(wire.remote_timeout, 0, 1) != 0,
          .starting_psn = wire.starting_psn,
          .local_timeout = field(wire.local_timeout, 3, 5),
          .retry_count = field(wire.local_timeout, 0, 3),
          .pkey = wire.pkey,
          .path_mtu = field(wire.path_mtu, 4, 4),
          .rnr_retry_count = field(wire.path_mtu, 0, 3),
          .cm_retries = field(wire.cm_retries, 4, 4),
          .srq = field(wire.cm_retries, 3, 1) != 0,
          .local_lid = wire.local_lid,
          .remote_lid = wire.remote_lid,
          .local_gid = wire.local_gid,
          .remote_gid = wire.remote_gid,
          .flow_label = wire.flow_label >> kFlowLabelShift,
          .packet_rate = static_cast<std::uint8_t>(wire.flow_label & kPacketRateMask),
          .traffic_class = wire.traffic_class,
          .hop_limit = wire.hop_limit,
          .subnet_local = field(wire.service_level, 3, 1) != 0,
          .ack_timeout = field(wire.ack_timeout, 3, 5),
          .private_data = wire.private_data};
}

CmReqWire encode(const CmReq& req) {
  CmReqWire wire;
  wire.local_comm_id = req.local_comm_id;
  wire.service_id = req.service_id;
  wire.ca_guid = req.ca_guid;
  wire.qpn = req.qpn;
  wire.responder_resources = req.responder_resources;
  wire.initiator_depth = req.initiator_depth;
  wire.remote_timeout =
      join(place(req.remote_timeout, 3, 5), place(std::to_underlying(req.transport), 1, 2),
           place(req.flow_control ? 1 : 0, 0, 1));
  wire.starting_psn = req.starting_psn;
  wire.local_timeout = join(place(req.local_timeout, 3, 5), place(req.retry_count, 0, 3));
  wire.pkey = req.pkey;
  wire.path_mtu = join(place(req.path_mtu, 4, 4), place(req.rnr_retry_count, 0, 3));
  wire.cm_retries = join(place(req.cm_retries, 4, 4), place(req.srq ? 1 : 0, 3, 1));
  wire.local_lid = req.local_lid;
  wire.remote_lid = req.remote_lid;
  wire.local_gid = req.local_gid;
  wire.remote_gid = req.remote_gid;
  wire.flow_label = req.flow_label << kFlowLabelShift | (req.packet_rate & kPacketRateMask);
  wire.traffic_class = req.traffic_class;
  wire.hop_limit = req.hop_limit;
  wire.service_level = place(req.subnet_local ? 1 : 0, 3, 1);
  wire.ack_timeout = place(req.ack_timeout, 3, 5);
  wire.private_data = req.private_data;
  return wire;
}

CmMra decode(const CmMraWire& wire) {
  return {.local_comm_id = wire.local_comm_id,
          .remote_comm_id = wire.remote_comm_id,
          .message = static_cast<CmAnswered>(field(wire.message, 6, 2)),
          .service_timeout = field(wire.service_timeout, 3, 5),
          .private_data = wire.private_data};
}

CmMraWire encode(const CmMra& mra) {
  CmMraWire wire;
  wire.local_comm_id = mra.local_comm_id;
  wire.remote_comm_id = mra.remote_comm_id;
  wire.message = place(std::to_underlying(mra.message), 6, 2);
  wire.service_timeout = place(mra.service_timeout, 3, 5);
  wire.private_data = mra.private_data;
  return wire;
}

// IBTA 12.6.7.2: additional reject information, of which a timeout has 8 bytes.
constexpr unsigned kGuidInfoBytes = 8;

CmRej decode(const CmRejWire& wire) {
  const bool has_guid = field(wire.info_length, 1, 7) == kGuidInfoBytes;
  return {.local_comm_id = wire.local_comm_id,
          .remote_comm_id = wire.remote_comm_id,
          .message = static_cast<CmAnswered>(field(wire.message, 6, 2)),
          .reason = static_cast<CmRejectReason>(static_cast<std::uint16_t>(wire.reason)),
          .ca_guid = has_guid ? load<be64>(wire.info) : be64{},
          .private_data = wire.private_data};
}

CmRejWire encode(const CmRej& rej) {
  CmRejWire wire;
  wire.local_comm_id = rej.local_comm_id;
  wire.remote_comm_id = rej.remote_comm_id;
  wire.message = place(std::to_underlying(rej.message), 6, 2);
  wire.reason = std::to_underlying(rej.reason);
  if (rej.ca_guid != 0) {
    wire.info_length = place(kGuidInfoBytes, 1, 7);
    store(wire.info, be64{rej.ca_guid});
  }
  wire.private_data = rej.private_data;
  return wire;
}

CmRep decode(const CmRepWire& wire) {
  return {.local_comm_id = wire.local_comm_id,
          .remote_comm_id = wire.remote_comm_id,
          .qpn = wire.qpn,
          .starting_psn = wire.starting_psn,
          .responder_resources = wire.responder_resources,
          .initiator_depth = wire.initiator_depth,
          .target_ack_delay = field(wire.target_ack_delay, 3, 5),
          .flow_control = field(wire.target_ack_delay, 0, 1) != 0,
          .rnr_retry_count = field(wire.rnr_retry_count, 5, 3),
          .srq = field(wire.rnr_retry_count, 4, 1) != 0,
          .ca_guid = wire.ca_guid,
          .private_data = wire.private_data};
}

CmRepWire encode(const CmRep& rep) {
  CmRepWire wire;
  wire.local_comm_id = rep.local_comm_id;
  wire.remote_comm_id = rep.remote_comm_id;
  wire.qpn = rep.qpn;
  wire.starting_psn = rep.starting_psn;
  wire.responder_resources = rep.responder_resources;
  wire.initiator_depth = rep.initiator_depth;
  wire.target_ack_delay =
      join(place(rep.target_ack_delay, 3, 5), place(rep.flow_control ? 1 : 0, 0, 1));
  wire.rnr_retry_count = join(place(rep.rnr_retry_count, 5, 3), place(rep.srq ? 1 : 0, 4, 1));
  wire.ca_guid = rep.ca_guid;
  wire.private_data = rep.private_data;
  return wire;
}

template <class IdsMessage>
IdsMessage decode_ids(const CmIdsWire& wire) {
  return {.local_comm_id = wire.local_comm_id,
          .remote_comm_id = wire.remote_comm_id,
          .private_data = wire.private_data};
}

template <class IdsMessage>
CmIdsWire encode_ids(const IdsMessage& message) {
  CmIdsWire wire;
  wire.local_comm_id = message.local_comm_id;
  wire.remote_comm_id = message.remote_comm_id;
  wire.private_data = message.private_data;
  return wire;
}

CmIdsWire encode(const CmRtu& rtu) { return encode_ids(rtu); }
CmIdsWire encode(const CmDrep& drep) { return encode_ids(drep); }

CmDreq decode(const CmDreqWire& wire) {
  return {.local_comm_id = wire.local_comm_id,
          .remote_comm_id = wire.remote_comm_id,
          .remote_qpn = wire.remote_qpn,
          .private_data = wire.private_data};
}

CmDreqWire encode(const CmDreq& dreq) {
  CmDreqWire wire;
  wire.local_comm_id = dreq.local_comm_id;
  wire.remote_comm_id = dreq.remote_comm_id;
  wire.remote_qpn = dreq.remote_qpn;
  wire.private_data = dreq.private_data;
  return wire;
}

std::optional<MadError> objection(const MadHeaderWire& header) {
  if (header.base_version != kMadBaseVersion) return MadError::kBadVersion;
  if (header.management_class != kMadClassCm) return MadError::kOtherClass;
  if (header.class_version != kMadCmVersion) return MadError::kBadVersion;
  if (header.method != kMadMethodSend) return MadError::kBadMethod;
  return std::nullopt;
}

std::expected<CmMessage, MadError> parse_message(std::uint16_t attribute,
                                                 std::span<const std::byte> data) {
  switch (attribute) {
    case kFirstAttribute: return decode(load<CmReqWire>(data));
    case kFirstAttribute + 1: return decode(load<CmMraWire>(data));
    case kFirstAttribute + 2: return decode(load<CmRejWire>(data));
    case kFirstAttribute + 3: return decode(load<CmRepWire>(data));
    case kFirstAttribute + 4: return decode_ids<CmRtu>(load<CmIdsWire>(data));
    case kFirstAttribute + 5: return decode(load<CmDreqWire>(data));
    case kFirstAttribute + 6: return decode_ids<CmDrep>(load<CmIdsWire>(data));
    default: return std::unexpected(MadError::kUnknownAttribute);  // a number, not an enumeration
  }
}

}  // namespace

std::string_view name(CmRejectReason reason) {
  switch (reason) {
    case CmRejectReason::kNoQueuePair: return "no_queue_pair";
    case CmRejectReason::kNoResources: return "no_resources";
    case CmRejectReason::kTimeout: return "timeout";
    case CmRejectReason::kUnsupported: return "unsupported";
    case CmRejectReason::kInvalidCommId: return "invalid_comm_id";
    case CmRejectReason::kInvalidServiceId: return "invalid_service_id";
    case CmRejectReason::kInvalidTransport: return "invalid_transport";
    case CmRejectReason::kStaleConnection: return "stale_connection";
    case CmRejectReason::kInvalidPathMtu: return "invalid_path_mtu";
    case CmRejectReason::kConsumer: return "consumer";
    case CmRejectReason::kDuplicateCommId: return "duplicate_comm_id";
  }
  return "other";
}

std::string_view name(MadError error) {
  switch (error) {
    case MadError::kBadLength: return "bad_length";
    case MadError::kBadVersion: return "bad_version";
    case MadError::kOtherClass: return "other_class";
    case MadError::kBadMethod: return "bad_method";
    case MadError::kUnknownAttribute: return "unknown_attribute";
  }
  return "?";
}

std::expected<CmMad, MadError> parse_cm_mad(std::span<const std::byte> bytes) {
  if (bytes.size() != kMadBytes) return std::unexpected(MadError::kBadLength);
  const auto header = load<MadHeaderWire>(bytes);
  if (const auto error = objection(header)) return std::unexpected(*error);
  auto message = parse_message(header.attribute_id, bytes.subspan(sizeof(MadHeaderWire)));
  if (!message) return std::unexpected(message.error());
  return CmMad{.transaction_id = header.transaction_id, .message = *message};
}

RawBytes<kMadBytes> write_cm_mad(const CmMad& mad) {
  MadHeaderWire header;
  header.base_version = kMadBaseVersion;
  header.management_class = kMadClassCm;
  header.class_version = kMadCmVersion;
  header.method = kMadMethodSend;
  header.transaction_id = mad.transaction_id;
  header.attribute_id = static_cast<std::uint16_t>(kFirstAttribute + mad.message.index());
  RawBytes<kMadBytes> bytes;
  store(bytes, header);
  const std::span data = std::span{bytes}.subspan<sizeof(MadHeaderWire)>();
  std::visit([&](const auto& message) { store(data, encode(message)); }, mad.message);
  return bytes;
}

}  // namespace mapwire::proto
