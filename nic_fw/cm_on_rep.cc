// REP: the peer accepts our request. IBTA 12.9.8.1 (active side).
#include <algorithm>
#include <cstdint>
#include <utility>

#include "mapwire/nic_fw/cm_on_mad.h"
#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {
namespace {

void take(CmCore& core, CmConnection& connection, const proto::CmRep& rep) {
  connection.state = CmState::kRepReceived;
  connection.remote_comm_id = rep.local_comm_id;
  connection.remote_guid = rep.ca_guid;
  connection.peer = {.udp = {.ip = connection.path.remote, .port = proto::kRocePort},
                     .qpn = rep.qpn,
                     .first_psn = rep.starting_psn,
                     .path_mtu_max = connection.path_mtu,
                     .read_atomic_max = rep.responder_resources};
  core.table.arm(connection, core.now_ns + kCmAnswerNs);
  CmEvent event{.kind = CmEventKind::kReply};
  std::ranges::copy(rep.private_data, event.private_data.begin());
  cm_tell(core, connection, event);
}

// The peer is not to wait for an RTU that never comes.
void refuse_unknown(CmCore& core, const CmSource& source, const proto::CmRep& rep) {
  core.counters.dropped_unknown.add();
  cm_send(core, source.path, source.transaction_id,
          proto::CmRej{.local_comm_id = rep.remote_comm_id,
                       .remote_comm_id = rep.local_comm_id,
                       .message = proto::CmAnswered::kRep,
                       .reason = proto::CmRejectReason::kInvalidCommId});
}

}  // namespace

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmRep& rep) {
  CmConnection* connection = core.table.find(rep.remote_comm_id, source.path);
  if (connection == nullptr || connection->transaction_id != source.transaction_id) {
    refuse_unknown(core, source, rep);
    return;
  }
  switch (connection->state) {
    case CmState::kReqSent:
      if (rep.qpn > proto::kGsiQpn && rep.local_comm_id != 0) take(core, *connection, rep);
      return;
    case CmState::kEstablished:
      core.counters.duplicates.add();
      if (connection->remote_comm_id == rep.local_comm_id) cm_repeat(core, *connection);  // the RTU
      return;
    case CmState::kRepReceived:  // the RTU will answer it
    case CmState::kDreqSent:     // the DREQ does
    case CmState::kReqReceived:  // a REP is no answer to what we sent
    case CmState::kRepSent: core.counters.duplicates.add(); return;
    case CmState::kRejected:
    case CmState::kTimeWait: refuse_unknown(core, source, rep); return;
  }
}

}  // namespace mapwire::nic_fw
