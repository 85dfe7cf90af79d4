// DREQ: the peer ends the connection. IBTA 12.6.11, 12.9.9.
#include "mapwire/nic_fw/cm_on_mad.h"

namespace mapwire::nic_fw {
namespace {

bool names(const CmConnection& connection, const proto::CmDreq& dreq) {
  return connection.remote_comm_id == dreq.local_comm_id && connection.own.qpn == dreq.remote_qpn;
}

}  // namespace

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmDreq& dreq) {
  CmConnection* connection = core.table.find(dreq.remote_comm_id, source.path);
  const bool known = connection != nullptr && names(*connection, dreq);
  if (!known) core.counters.dropped_unknown.add();
  // One that we have forgotten is answered too: our reply may have been lost, and the peer waits.
  cm_send(
      core, source.path, source.transaction_id,
      proto::CmDrep{.local_comm_id = dreq.remote_comm_id, .remote_comm_id = dreq.local_comm_id});
  if (!known) return;
  switch (connection->state) {
    case CmState::kRepSent:  // its RTU was lost
    case CmState::kRepReceived:
    case CmState::kEstablished:
    case CmState::kDreqSent:  // both at once
      cm_tell_end(core, *connection, {.kind = CmEventKind::kDisconnected});
      cm_linger(core, *connection, CmState::kTimeWait);
      return;
    case CmState::kReqSent:
    case CmState::kReqReceived:
    case CmState::kRejected:
    case CmState::kTimeWait: return;
  }
}

}  // namespace mapwire::nic_fw
