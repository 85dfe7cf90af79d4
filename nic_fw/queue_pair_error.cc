#include "mapwire/nic_fw/queue_pair_error.h"

#include <cstdint>

#include "mapwire/nic_fw/complete.h"
#include "mapwire/nic_fw/read_atomic_resource.h"
#include "mapwire/nic_fw/take_requests.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kNoRequest = UINT64_MAX;

struct Ending {
  std::uint64_t failed_request = kNoRequest;
  Code cause = Code::kFlushed;   // of the failed request
  Code others = Code::kFlushed;  // of all others
};

void stop_sending(Requester& requester) {
  requester.cursor = requester.tail;
  requester.retransmit_at_ns = UINT64_MAX;
  requester.rnr_resume_at_ns = UINT64_MAX;
}

void stop_answering(Responder& responder) {
  drop_responses(responder);
  responder.nak.due = false;
}

void end(EngineCore& core, QueuePair& qp, const Ending& ending) {
  qp.state = QueuePairState::kError;
  Requester& requester = qp.requester;
  while (requester.head != requester.tail) {
    const bool failed = requester.head == ending.failed_request;
    complete_send(core, qp, failed ? ending.cause : ending.others);
  }
  stop_sending(requester);
  if (qp.responder.receive) {
    complete_receive(core, qp, proto::WorkOpcode::kReceive, ending.others, 0, {});
  }
  qp.responder.message = IncomingMessage::kNone;
  qp.responder.ack_due = false;
  drain_rings(core, qp, ending.others);
}

void report(EngineCore& core, QueuePair& qp, Code cause) {
  qp.error = cause;
  core.failed.push_back(qp.slot);
  core.counters.queue_pair_errors.add();
}

}  // namespace

void flush(EngineCore& core, QueuePair& qp, Code reason) {
  stop_answering(qp.responder);
  end(core, qp, {.others = reason});
}

void fail_request(EngineCore& core, QueuePair& qp, std::uint64_t index, Code cause) {
  stop_answering(qp.responder);
  end(core, qp, {.failed_request = index, .cause = cause});
  report(core, qp, cause);
}

void reject(EngineCore& core, QueuePair& qp, Psn psn, proto::NakCode nak, Code cause) {
  if (nak == proto::NakCode::kRemoteAccessError) core.counters.access_refused.add();
  qp.responder.nak = {.due = true,
                      .type = proto::AethType::kNak,
                      .value = static_cast<std::uint8_t>(nak),
                      .psn = psn};
  qp.responder.rejected = true;
  if (qp.state == QueuePairState::kError) return;  // a second refusal, while answers still went out
  end(core, qp, {});
  report(core, qp, cause);
}

void fail_receive(EngineCore& core, QueuePair& qp, Code cause, proto::NakCode nak) {
  complete_receive(core, qp, proto::WorkOpcode::kReceive, cause, 0, {});
  reject(core, qp, qp.responder.expected_psn, nak, cause);
}

void give_up_corrupt_rings(EngineCore& core, QueuePair& qp) {
  const bool corrupt =
      qp.rings.send.corrupt() || qp.rings.receive.corrupt() || core.completions.corrupt();
  if (!corrupt || qp.state == QueuePairState::kError) return;
  core.counters.ring_corrupt.add();
  flush(core, qp, Code::kRingCorrupt);
  report(core, qp, Code::kRingCorrupt);
}

}  // namespace mapwire::nic_fw
