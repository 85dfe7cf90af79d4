#include "mapwire/nic_fw/cm_core.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mapwire::nic_fw {
namespace {

constexpr std::size_t kEventsPerConnection = 3;  // asked or answered, established, ended

bool lingers(const CmConnection& connection) {
  return connection.state == CmState::kTimeWait || connection.state == CmState::kRejected;
}

CmConnection* ended_longest_ago(CmTable& table) {
  CmConnection* oldest = nullptr;
  table.find_if([&](CmConnection& candidate) {
    if (lingers(candidate) && (oldest == nullptr || candidate.timer_ns < oldest->timer_ns)) {
      oldest = &candidate;
    }
    return false;
  });
  return oldest;
}

}  // namespace

void cm_send(CmCore& core, const CmPath& path, std::uint64_t transaction_id,
             const proto::CmMessage& message) {
  if (core.datagrams.size() == kCmDatagramsMax) {
    core.counters.dropped_full.add();
    return;
  }
  core.counters.mads_sent.add();
  core.datagrams.push_back(
      {.path = path,
       .mad = proto::write_cm_mad({.transaction_id = transaction_id, .message = message})});
}

void cm_send_until_answered(CmCore& core, CmConnection& connection,
                            const proto::CmMessage& message) {
  connection.sent = message;
  connection.repeats_left = kCmRepeats;
  cm_repeat(core, connection);
  core.table.arm(connection,
                 std::min(core.now_ns + connection.interval_ns, connection.give_up_at_ns));
}

void cm_repeat(CmCore& core, const CmConnection& connection) {
  cm_send(core, connection.path, connection.transaction_id, connection.sent);
}

void cm_refuse(CmCore& core, const CmConnection& connection, proto::CmAnswered answered,
               proto::CmRejectReason reason) {
  const bool timeout = reason == proto::CmRejectReason::kTimeout;
  cm_send(core, connection.path, connection.transaction_id,
          proto::CmRej{.local_comm_id = connection.local_comm_id,
                       .remote_comm_id = connection.remote_comm_id,
                       .message = answered,
                       .reason = reason,
                       .ca_guid = timeout ? core.ca_guid : 0});
}

void cm_tell(CmCore& core, const CmConnection& connection, CmEventKind kind) {
  cm_tell(core, connection, CmEvent{.kind = kind});
}

void cm_tell(CmCore& core, const CmConnection& connection, CmEvent event) {
  if (!connection.held) return;
  event.id = connection.id;
  event.service = connection.service;
  event.peer = connection.peer;
  event.path_mtu = connection.path_mtu;
  core.events.push_back(event);
}

void cm_tell_end(CmCore& core, CmConnection& connection, const CmEvent& event) {
  cm_tell(core, connection, event);
  connection.held = false;
}

bool cm_has_room(CmCore& core) {
  const std::size_t open = core.table.count_if([](const CmConnection& c) { return c.held; });
  const std::size_t events_max = kEventsPerConnection * core.options.connections_max;
  if (core.events.size() + kEventsPerConnection * (open + 1) > events_max) return false;
  if (core.table.size() < core.options.connections_max) return true;
  const CmConnection* ended = ended_longest_ago(core.table);
  if (ended == nullptr) return false;
  core.table.erase(*ended);
  return true;
}

void cm_linger(CmCore& core, CmConnection& connection, CmState state) {
  connection.state = state;
  core.table.arm(connection, core.now_ns + kCmTimeWaitNs);
}

void cm_send_dreq(CmCore& core, CmConnection& connection) {
  connection.state = CmState::kDreqSent;
  connection.interval_ns = kCmIntervalNs;
  connection.give_up_at_ns = UINT64_MAX;
  cm_send_until_answered(core, connection,
                         proto::CmDreq{.local_comm_id = connection.local_comm_id,
                                       .remote_comm_id = connection.remote_comm_id,
                                       .remote_qpn = connection.peer.qpn});
}

}  // namespace mapwire::nic_fw
