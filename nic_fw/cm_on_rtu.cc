// RTU: the peer has our REP; the connection stands. IBTA 12.6.9.
#include <cstdint>

#include "mapwire/nic_fw/cm_on_mad.h"

namespace mapwire::nic_fw {

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmRtu& rtu) {
  CmConnection* connection = core.table.find(rtu.remote_comm_id, source.path);
  if (connection == nullptr || connection->remote_comm_id != rtu.local_comm_id ||
      connection->state != CmState::kRepSent) {
    core.counters.dropped_unknown.add();
    return;
  }
  connection->state = CmState::kEstablished;
  core.table.arm(*connection, UINT64_MAX);
  cm_tell(core, *connection, CmEventKind::kEstablished);
}

}  // namespace mapwire::nic_fw
