// REQ: a peer, or a stranger, asks for a connection. IBTA 12.9.8.2 (passive side).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mapwire/nic_fw/cm_on_mad.h"
#include "mapwire/proto/cma_header.h"
#include "mapwire/proto/endian.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {
namespace {

using proto::CmRejectReason;

constexpr std::uint8_t kPathMtuCodeMin = 1;  // 256 bytes
constexpr std::uint8_t kPathMtuCodeMax = 5;  // 4096 bytes
constexpr unsigned kPathMtuCodeShift = 7;    // bytes = 2^(code + 7)

bool is_listened(const CmCore& core, const proto::UdpAddress& service) {
  return std::ranges::find(core.listeners, service) != core.listeners.end();
}

// Whether we can serve such a request at all.
std::optional<CmRejectReason> objection(const CmCore& core, const CmSource& source,
                                        const proto::CmReq& req) {
  if (req.transport != proto::CmTransport::kRc) return CmRejectReason::kInvalidTransport;
  const auto port = proto::cma_port(req.service_id);
  if (!port || !is_listened(core, {.ip = source.path.local, .port = *port})) {
    return CmRejectReason::kInvalidServiceId;
  }
  if (req.path_mtu < kPathMtuCodeMin || req.path_mtu > kPathMtuCodeMax) {
    return CmRejectReason::kInvalidPathMtu;
  }
  const auto header = proto::decode(proto::load<proto::CmaHeaderWire>(req.private_data));
  if (!header || req.local_comm_id == 0 || req.qpn <= proto::kGsiQpn) {
    return CmRejectReason::kUnsupported;
  }
  return std::nullopt;
}

// The application has not answered yet: the peer is told to wait, so that it does not give up.
void send_mra(CmCore& core, const CmConnection& connection) {
  cm_send(core, connection.path, connection.transaction_id,
          proto::CmMra{.local_comm_id = connection.local_comm_id,
                       .remote_comm_id = connection.remote_comm_id,
                       .message = proto::CmAnswered::kReq,
                       .service_timeout = kCmServiceExponent});
}

void on_duplicate(CmCore& core, const CmConnection& connection) {
  core.counters.duplicates.add();
  switch (connection.state) {
    case CmState::kReqReceived: send_mra(core, connection); return;
    case CmState::kRepSent:
    case CmState::kRejected: cm_repeat(core, connection); return;
    case CmState::kEstablished:
    case CmState::kDreqSent:
    case CmState::kTimeWait:
    case CmState::kReqSent:
    case CmState::kRepReceived: return;  // an old copy, or not ours to answer
  }
}

// A queue pair has one connection: who asks with the same one again has forgotten the old
// connection, which is over (IBTA 12.4.1).
bool end_stale(CmCore& core, const CmSource& source, const proto::CmReq& req) {
  CmConnection* stale = core.table.find_if([&](const CmConnection& old) {
    return old.held && old.path == source.path && old.remote_guid == req.ca_guid &&
           old.peer.qpn == req.qpn;
  });
  if (stale == nullptr) return false;
  core.counters.stale.add();
  cm_tell_end(core, *stale, {.kind = CmEventKind::kDisconnected});
  if (stale->state == CmState::kReqReceived) {
    cm_linger(core, *stale, CmState::kTimeWait);
  } else {
    cm_send_dreq(core, *stale);
  }
  return true;
}

bool too_many_requests(const CmCore& core, const CmSource& source) {
  const auto is_request = [](const CmConnection& c) {
    return c.state == CmState::kReqReceived || c.state == CmState::kRepSent;
  };
  const auto is_of_source = [&](const CmConnection& c) {
    return is_request(c) && c.path.remote == source.path.remote;
  };
  return core.table.count_if(is_request) >= core.options.requests_max ||
         core.table.count_if(is_of_source) >= core.options.requests_of_peer_max;
}

void refuse(CmCore& core, const CmSource& source, const proto::CmReq& req, CmRejectReason reason) {
  core.counters.requests_refused.add();
  cm_send(core, source.path, source.transaction_id,
          proto::CmRej{.remote_comm_id = req.local_comm_id, .reason = reason});
}

void remember(CmCore& core, const CmSource& source, const proto::CmReq& req) {
  CmConnection& connection = core.table.add(core.random);
  connection.state = CmState::kReqReceived;
  connection.path = source.path;
  connection.service = {.ip = source.path.local, .port = *proto::cma_port(req.service_id)};
  connection.transaction_id = source.transaction_id;
  connection.remote_comm_id = req.local_comm_id;
  connection.remote_guid = req.ca_guid;
  connection.path_mtu = 1U << (req.path_mtu + kPathMtuCodeShift);
  connection.interval_ns =
      std::clamp(proto::cm_timeout_ns(req.local_timeout), kCmIntervalMinNs, kCmIntervalNs);
  // Of the peer's READs we serve what we told it, so `initiator_depth` of the REQ only limits that.
  connection.own.read_atomic_max = req.initiator_depth;
  connection.peer = {.udp = {.ip = source.path.remote, .port = proto::kRocePort},
                     .qpn = req.qpn,
                     .first_psn = req.starting_psn,
                     .path_mtu_max = connection.path_mtu,
                     .read_atomic_max = req.responder_resources};
  core.table.arm(connection, core.now_ns + kCmAnswerNs);

  CmEvent event{.kind = CmEventKind::kRequest};
  const auto user = std::span{req.private_data}.subspan(sizeof(proto::CmaHeaderWire));
  std::ranges::copy(user, event.private_data.begin());
  cm_tell(core, connection, event);
}

}  // namespace

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmReq& req) {
  if (const auto reason = objection(core, source, req)) {
    refuse(core, source, req, *reason);
    return;
  }
  const auto same_comm_id = [&](const CmConnection& old) {
    return old.path == source.path && old.remote_comm_id == req.local_comm_id &&
           old.remote_guid == req.ca_guid;
  };
  const CmConnection* repeated = core.table.find_if([&](const CmConnection& old) {
    return same_comm_id(old) && old.transaction_id == source.transaction_id;
  });
  if (repeated != nullptr) {
    on_duplicate(core, *repeated);
  } else if (end_stale(core, source, req)) {
    refuse(core, source, req, CmRejectReason::kStaleConnection);
  } else if (core.table.find_if([&](const CmConnection& old) {
               return old.held && same_comm_id(old);
             }) != nullptr) {
    refuse(core, source, req, CmRejectReason::kDuplicateCommId);
  } else if (too_many_requests(core, source) || !cm_has_room(core)) {
    refuse(core, source, req, CmRejectReason::kNoResources);
  } else {
    remember(core, source, req);
  }
}

}  // namespace mapwire::nic_fw
