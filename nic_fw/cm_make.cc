#include "mapwire/nic_fw/cm_make.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "mapwire/proto/cma_header.h"
#include "mapwire/proto/endian.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint8_t kRetries = 7;         // of the peer's queue pair: the most there are
constexpr std::uint8_t kRnrRetries = 7;      // for ever: our receives may come late
constexpr std::uint8_t kAckTimeout = 14;     // 67 ms, of the peer's queue pair
constexpr std::uint8_t kRemoteTimeout = 20;  // 4.3 s, as librdmacm allows the other side
constexpr std::uint8_t kPacketRate = 2;      // 2.5 Gb/s: the code that needs no pacing
constexpr std::uint8_t kHopLimit = 64;
constexpr std::uint16_t kSourcePort = 0;  // of the user's address, which we have none of

std::uint8_t path_mtu_code(std::uint32_t path_mtu) {
  return static_cast<std::uint8_t>(std::countr_zero(path_mtu) - 7);  // 256 is 1
}

std::uint8_t at_most(std::uint32_t value, std::uint32_t max) {
  return static_cast<std::uint8_t>(std::min(value, max));
}

}  // namespace

proto::CmReq make_cm_req(const CmCore& core, const CmConnection& connection,
                         std::span<const std::byte> private_data) {
  const std::uint32_t read_atomic_max = core.options.read_atomic_max;
  proto::CmReq req{.local_comm_id = connection.local_comm_id,
                   .service_id = proto::cma_service_id(connection.service.port),
                   .ca_guid = core.ca_guid,
                   .qpn = connection.own.qpn,
                   .responder_resources = at_most(connection.own.read_atomic_max, read_atomic_max),
                   .initiator_depth = at_most(read_atomic_max, UINT8_MAX),
                   .remote_timeout = kRemoteTimeout,
                   .starting_psn = connection.own.first_psn,
                   .local_timeout = kCmIntervalExponent,
                   .retry_count = kRetries,
                   .path_mtu = path_mtu_code(connection.path_mtu),
                   .rnr_retry_count = kRnrRetries,
                   .cm_retries = kCmRepeats,
                   .local_gid = proto::to_gid(connection.path.local),
                   .remote_gid = proto::to_gid(connection.path.remote),
                   .packet_rate = kPacketRate,
                   .hop_limit = kHopLimit,
                   .ack_timeout = kAckTimeout};
  const proto::CmaHeader header{.source = {.ip = connection.path.local, .port = kSourcePort},
                                .destination = connection.path.remote};
  proto::store(req.private_data, proto::encode(header));
  std::ranges::copy(private_data, req.private_data.begin() + sizeof(proto::CmaHeaderWire));
  return req;
}

proto::CmRep make_cm_rep(const CmCore& core, const CmConnection& connection,
                         std::uint32_t initiator_depth, std::span<const std::byte> private_data) {
  proto::CmRep rep{
      .local_comm_id = connection.local_comm_id,
      .remote_comm_id = connection.remote_comm_id,
      .qpn = connection.own.qpn,
      .starting_psn = connection.own.first_psn,
      .responder_resources = at_most(connection.own.read_atomic_max, initiator_depth),
      .initiator_depth = at_most(connection.peer.read_atomic_max, core.options.read_atomic_max),
      .target_ack_delay = 0,
      .rnr_retry_count = kRnrRetries,
      .ca_guid = core.ca_guid};
  std::ranges::copy(private_data, rep.private_data.begin());
  return rep;
}

}  // namespace mapwire::nic_fw
