#include "mapwire/nic_fw/take_requests.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "mapwire/nic_fw/check_descriptor.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/read_request.h"
#include "mapwire/nic_fw/scatter_gather.h"

namespace mapwire::nic_fw {
namespace {

// Whoever reaps completions does so at the pace of a poll loop, so there is no hurry.
constexpr std::uint64_t kTakeAgainNs = 1'000'000;

// Reserves a completion. Without one the request stays in its ring and a timer tries again.
bool reserve(EngineCore& core, QueuePair& qp) {
  if (core.completions.try_reserve()) return true;
  if (!core.completions.corrupt()) qp.take_again_at_ns = core.now_ns + kTakeAgainNs;
  return false;
}

// PSNs of a request: IBTA 9.7.2; an empty message takes one.
std::uint64_t psn_count(std::uint64_t bytes, std::uint32_t path_mtu) {
  return std::max<std::uint64_t>((bytes + path_mtu - 1) / path_mtu, 1);
}

void append(EngineCore& core, QueuePair& qp, const proto::SendDescriptor& descriptor) {
  Requester& requester = qp.requester;
  WorkRequest& request = requester.at(requester.tail++);
  request.descriptor = descriptor;
  const Checked checked = check(descriptor, core.memory, qp.options.protection_domain);
  request.verdict = checked.verdict;
  request.first_psn = requester.next_psn;
  request.end_psn = requester.next_psn;
  if (request.verdict == Code::kOk && needs_response(descriptor.opcode) &&
      requester.reads_max == 0) {
    request.verdict = Code::kRemoteInvalidRequest;  // the peer said it serves none
  }
  if (request.verdict != Code::kOk) return;
  request.bytes = checked.bytes;
  request.end_psn += psn_count(request.bytes, qp.peer.path_mtu);
  requester.next_psn = request.end_psn;
  requester.messages += message_count(request, qp.peer.path_mtu);
  request.messages = requester.messages;
}

template <class Ring>
void drain(EngineCore& core, QueuePair& qp, Ring& ring, Code status) {
  while (ring.available() > 0 && reserve(core, qp)) {
    const auto descriptor = ring.try_pop();
    proto::WorkOpcode opcode = proto::WorkOpcode::kReceive;
    if constexpr (requires { descriptor->opcode; }) opcode = completion_opcode(*descriptor);
    core.completions.push({.cookie = descriptor->cookie,
                           .qpn = qp.qpn,
                           .immediate = 0,
                           .bytes = 0,
                           .status = std::to_underlying(status),
                           .opcode = opcode,
                           .flags = 0,
                           .reserved = 0});
  }
}

}  // namespace

void take_sends(EngineCore& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  std::uint64_t room = requester.requests.size() - (requester.tail - requester.head);
  room = std::min<std::uint64_t>(room, qp.rings.send.available());
  for (; room > 0 && reserve(core, qp); --room) append(core, qp, *qp.rings.send.try_pop());
  give_up_corrupt_rings(core, qp);
}

TakenReceive take_receive(EngineCore& core, QueuePair& qp) {
  if (qp.rings.receive.available() == 0 || !reserve(core, qp)) {
    give_up_corrupt_rings(core, qp);
    return qp.state == QueuePairState::kError ? TakenReceive::kFailed : TakenReceive::kNone;
  }
  Responder& responder = qp.responder;
  responder.receive = qp.rings.receive.try_pop();
  const Checked checked = check(*responder.receive, core.memory, qp.options.protection_domain);
  if (checked.verdict != Code::kOk) {
    fail_receive(core, qp, checked.verdict, proto::NakCode::kRemoteOperationalError);
    return TakenReceive::kFailed;
  }
  responder.receive_bytes = checked.bytes;
  return TakenReceive::kTaken;
}

void drain_rings(EngineCore& core, QueuePair& qp, Code status) {
  drain(core, qp, qp.rings.send, status);
  drain(core, qp, qp.rings.receive, status);
}

}  // namespace mapwire::nic_fw
