// DREP: the peer knows that we have ended the connection. IBTA 12.6.12.
#include "mapwire/nic_fw/cm_on_mad.h"

namespace mapwire::nic_fw {

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmDrep& drep) {
  CmConnection* connection = core.table.find(drep.remote_comm_id, source.path);
  if (connection == nullptr || connection->remote_comm_id != drep.local_comm_id ||
      connection->state != CmState::kDreqSent) {
    core.counters.dropped_unknown.add();
    return;
  }
  cm_linger(core, *connection, CmState::kTimeWait);
}

}  // namespace mapwire::nic_fw
