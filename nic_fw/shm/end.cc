#include "mapwire/nic_fw/shm/end.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "mapwire/nic_fw/check_descriptor.h"

namespace mapwire::nic_fw::shm {
namespace {

// Besides the one that completes with a cause of its own.
constexpr Code kOthers = Code::kFlushed;

void complete_posted_receives(Core& core, QueuePair& qp, Code status) {
  Responder& responder = qp.responder;
  while (responder.receives_head != responder.receives_tail) {
    responder.receive = &responder.receives[responder.receives_head++];
    complete_receive(core, qp, proto::WorkOpcode::kReceive, status, 0, {});
  }
}

void end(Core& core, QueuePair& qp, std::optional<std::uint32_t> failed, Code cause, Code others) {
  qp.state = State::kError;
  Requester& requester = qp.requester;
  while (!requester.idle()) {
    complete_send(core, qp, requester.head == failed ? cause : others);
  }
  requester.cursor = requester.tail;
  Responder& responder = qp.responder;
  if (responder.receive != nullptr) {
    complete_receive(core, qp, proto::WorkOpcode::kReceive, others, 0, {});
  }
  complete_posted_receives(core, qp, others);
  responder.connected_due = false;
  responder.not_ready_due = false;
  responder.ready_due = false;
  responder.acknowledge_due = false;
}

void report(Core& core, const QueuePair& qp, Code cause) {
  core.failed.push_back({.qpn = qp.qpn, .code = cause});
}

void refuse(Core& core, QueuePair& qp, std::uint32_t number, Code code, Code cause) {
  core.counters.refused.add();
  qp.responder.refusal_due = code;
  qp.responder.refused = number;
  core.note_ready(qp);  // to tell it
  if (qp.state == State::kError) return;
  end(core, qp, {}, kOthers, kOthers);
  report(core, qp, cause);
}

}  // namespace

void complete_send(Core& core, QueuePair& qp, Code status) {
  const SendRequest& request = qp.requester.requests[qp.requester.head++];
  core.completions.push({.cookie = request.descriptor.cookie,
                         .qpn = qp.qpn,
                         .bytes = status == Code::kOk ? request.bytes : 0,
                         .status = std::to_underlying(status),
                         .opcode = completion_opcode(request.descriptor)},
                        *qp.queues);
}

void complete_receive(Core& core, QueuePair& qp, proto::WorkOpcode opcode, Code status,
                      std::uint64_t bytes, std::optional<std::uint32_t> immediate) {
  core.completions.push({.cookie = std::exchange(qp.responder.receive, nullptr)->cookie,
                         .qpn = qp.qpn,
                         .immediate = immediate.value_or(0),
                         .bytes = bytes,
                         .status = std::to_underlying(status),
                         .opcode = opcode,
                         .flags = immediate ? proto::kFlagImmediate : std::uint8_t{0}},
                        *qp.queues);
}

void flush(Core& core, QueuePair& qp, Code reason) {
  drop_responses(qp);
  end(core, qp, {}, reason, reason);
}

void fail_request(Core& core, QueuePair& qp, std::uint32_t number, Code cause) {
  drop_responses(qp);
  end(core, qp, number, cause, kOthers);
  report(core, qp, cause);
}

void refuse(Core& core, QueuePair& qp, std::uint32_t number, Code code) {
  refuse(core, qp, number, code, code);
}

void fail_receive(Core& core, QueuePair& qp, Code cause, Code code) {
  complete_receive(core, qp, proto::WorkOpcode::kReceive, cause, 0, {});
  refuse(core, qp, qp.responder.expected, code, cause);
}

void drop_responses(QueuePair& qp) { qp.responder.responses_head = qp.responder.responses_tail; }

}  // namespace mapwire::nic_fw::shm
