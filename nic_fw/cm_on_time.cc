#include "mapwire/nic_fw/cm_on_time.h"

#include <algorithm>
#include <cstdint>

namespace mapwire::nic_fw {
namespace {

using proto::CmAnswered;
using proto::CmRejectReason;

void give_up(CmCore& core, CmConnection& connection, CmAnswered waited_for) {
  core.counters.timeouts.add();
  cm_refuse(core, connection, waited_for, CmRejectReason::kTimeout);
  cm_tell_end(core, connection, {.kind = CmEventKind::kTimedOut});
  cm_linger(core, connection, CmState::kTimeWait);
}

// False: enough of it.
bool repeat(CmCore& core, CmConnection& connection) {
  if (connection.repeats_left == 0 || core.now_ns >= connection.give_up_at_ns) return false;
  --connection.repeats_left;
  core.counters.repeated.add();
  cm_repeat(core, connection);
  core.table.arm(connection,
                 std::min(core.now_ns + connection.interval_ns, connection.give_up_at_ns));
  return true;
}

}  // namespace

void on_cm_time(CmCore& core, CmConnection& connection) {
  switch (connection.state) {
    case CmState::kReqSent:
      if (!repeat(core, connection)) give_up(core, connection, CmAnswered::kReq);
      return;
    case CmState::kRepSent:
      if (!repeat(core, connection)) give_up(core, connection, CmAnswered::kRep);
      return;
    case CmState::kReqReceived: give_up(core, connection, CmAnswered::kReq); return;
    case CmState::kRepReceived: give_up(core, connection, CmAnswered::kRep); return;
    case CmState::kDreqSent:
      if (!repeat(core, connection)) cm_linger(core, connection, CmState::kTimeWait);
      return;
    case CmState::kEstablished: core.table.arm(connection, UINT64_MAX); return;
    case CmState::kRejected:
    case CmState::kTimeWait: core.table.erase(connection); return;
  }
}

}  // namespace mapwire::nic_fw
