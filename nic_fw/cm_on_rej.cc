// REJ: the peer refuses our message, or gives up waiting for the next one. IBTA 12.6.7.
#include <utility>

#include "mapwire/nic_fw/cm_on_mad.h"

namespace mapwire::nic_fw {
namespace {

// Both comm IDs must be right once both are known: a stranger can not try as many. Whoever gives up
// waiting for a REP never learned ours and names itself instead.
CmConnection* find(CmCore& core, const CmSource& source, const proto::CmRej& rej) {
  if (rej.remote_comm_id != 0) {
    CmConnection* named = core.table.find(rej.remote_comm_id, source.path);
    const bool theirs = named != nullptr &&
                        (named->remote_comm_id == 0 || named->remote_comm_id == rej.local_comm_id);
    return theirs ? named : nullptr;
  }
  if (rej.reason != proto::CmRejectReason::kTimeout) return nullptr;
  return core.table.find_if([&](const CmConnection& connection) {
    return connection.held && connection.path == source.path &&
           connection.remote_comm_id == rej.local_comm_id && connection.remote_guid == rej.ca_guid;
  });
}

}  // namespace

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmRej& rej) {
  CmConnection* connection = find(core, source, rej);
  if (connection == nullptr) {
    core.counters.dropped_unknown.add();
    return;
  }
  switch (connection->state) {
    case CmState::kReqSent:
    case CmState::kReqReceived:
    case CmState::kRepSent:
    case CmState::kRepReceived:
      cm_tell_end(
          core, *connection,
          {.kind = CmEventKind::kRejected, .reject_reason = std::to_underlying(rej.reason)});
      cm_linger(core, *connection, CmState::kTimeWait);
      return;
    case CmState::kEstablished:  // the RTU never reached it
      cm_tell_end(core, *connection, {.kind = CmEventKind::kDisconnected});
      cm_linger(core, *connection, CmState::kTimeWait);
      return;
    case CmState::kDreqSent: cm_linger(core, *connection, CmState::kTimeWait); return;
    case CmState::kRejected:
    case CmState::kTimeWait: return;
  }
}

}  // namespace mapwire::nic_fw
