#include <cstdint>

#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/on_answer.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/retransmit.h"
#include "mapwire/nic_fw/rnr_timer.h"

namespace mapwire::nic_fw {
namespace {

// A NAK says that everything before it was served (IBTA 9.7.5). If a READ or atomic there has no
// answer yet, this was lost: it is asked for again, and the refusal comes again behind it.
void fail_request_at(EngineCore& core, QueuePair& qp, Psn psn, Code cause) {
  if (!acknowledge_up_to(core, qp, psn)) {
    recover_gap(core, qp);
    return;
  }
  fail_request(core, qp, qp.requester.head, cause);
}

}  // namespace

void on_nak(EngineCore& core, QueuePair& qp, Psn psn, proto::NakCode code) {
  core.counters.naks_received.add();
  switch (code) {
    case proto::NakCode::kPsnSequenceError:
      acknowledge_up_to(core, qp, psn);
      recover_gap(core, qp);
      return;
    case proto::NakCode::kInvalidRequest:
      fail_request_at(core, qp, psn, Code::kRemoteInvalidRequest);
      return;
    case proto::NakCode::kRemoteAccessError:
      fail_request_at(core, qp, psn, Code::kRemoteAccess);
      return;
    case proto::NakCode::kRemoteOperationalError:
      fail_request_at(core, qp, psn, Code::kRemoteOperational);
      return;
  }
  // A reserved code: dropped. If it was meant, the request times out.
}

void on_rnr_nak(EngineCore& core, QueuePair& qp, Psn psn, std::uint8_t timer_code) {
  core.counters.rnr_naks_received.add();
  if (!acknowledge_up_to(core, qp, psn)) {
    recover_gap(core, qp);
    return;
  }
  Requester& requester = qp.requester;
  if (requester.rnr_since_ns == UINT64_MAX) requester.rnr_since_ns = core.now_ns;
  if (core.now_ns - requester.rnr_since_ns >= qp.options.rnr_deadline_ns) {
    fail_request(core, qp, requester.head, Code::kRnrRetryExceeded);
    return;
  }
  go_back(core, qp);
  requester.rnr_resume_at_ns = core.now_ns + rnr_wait_ns(timer_code);
  requester.progress_ns = requester.rnr_resume_at_ns;  // the peer lives; its silence counts later
}

}  // namespace mapwire::nic_fw
