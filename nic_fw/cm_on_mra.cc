// MRA: the peer has our message and needs more time. IBTA 12.6.6, 12.9.8.
#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/cm_on_mad.h"

namespace mapwire::nic_fw {

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmMra& mra) {
  CmConnection* connection = core.table.find(mra.remote_comm_id, source.path);
  const bool expected =
      connection != nullptr &&
      ((mra.message == proto::CmAnswered::kReq && connection->state == CmState::kReqSent) ||
       (mra.message == proto::CmAnswered::kRep && connection->state == CmState::kRepSent));
  if (!expected) {
    core.counters.dropped_unknown.add();
    return;
  }
  const std::uint64_t wait_ns = proto::cm_timeout_ns(mra.service_timeout) + connection->interval_ns;
  core.table.arm(*connection, std::min(core.now_ns + wait_ns, connection->give_up_at_ns));
}

}  // namespace mapwire::nic_fw
