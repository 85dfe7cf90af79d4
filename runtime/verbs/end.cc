// Ending queue pairs: failures, deadlines, and events of the device.
#include <infiniband/verbs.h>

#include <algorithm>
#include <cstdint>

#include "mapwire/runtime/verbs/verbs_nic_impl.h"
#include "mapwire/runtime/verbs/work_completion.h"
#include "mapwire/runtime/verbs/work_request.h"

namespace mapwire::verbs {
namespace {

using proto::WorkOpcode;

// Longer than the device tries to reach a silent peer (verbs_nic.h): a request that is still under
// way then was heard, and found no receive.
constexpr std::uint64_t kDeviceGivesUpNs = 600'000'000;
constexpr std::uint64_t kNsPerByte = 1000;  // of the slowest peer that is no dead one

bool needs_receive(WorkOpcode opcode) {
  return opcode == WorkOpcode::kSend || opcode == WorkOpcode::kSendImmediate ||
         opcode == WorkOpcode::kWriteImmediate;
}

}  // namespace

// Called once per queue pair.
void VerbsNic::note_failure(QueuePair& pair, Code code) {
  if (pair.state == QueuePair::State::kFailing || pair.state == QueuePair::State::kFailed) return;
  pair.state = QueuePair::State::kFailing;
  failing_.push_back(&pair);
  events_.push_back({.qpn = pair.handle->qp_num, .code = code});
}

// It has a verdict, and nothing is before it.
void VerbsNic::fail_oldest_send(QueuePair& pair) {
  pair.oldest_fails = true;
  note_failure(pair, pair.sends.oldest().verdict);
}

void VerbsNic::end_failing() {
  while (!failing_.empty()) {
    QueuePair& pair = *failing_.back();
    failing_.pop_back();
    end(pair, Code::kFlushed);  // may find others
  }
}

// What was done is told as done; everything else completes with `status`.
void VerbsNic::end(QueuePair& pair, Code status) {
  pair.state = QueuePair::State::kFailing;
  drain();
  to_reset(pair);
  drain();
  pair.state = QueuePair::State::kFailed;
  if (pair.oldest_fails && !pair.sends.empty() && pair.sends.oldest().verdict != Code::kOk) {
    complete_oldest(pair, false, pair.sends.oldest().verdict);
  }
  while (!pair.sends.empty()) complete_oldest(pair, false, status);
  while (!pair.receives.empty()) complete_oldest(pair, true, status);
}

void VerbsNic::complete_oldest(QueuePair& pair, bool is_receive, Code status) {
  const Request request = pop(pair, is_receive);
  ready_.push(failure(request, pair.handle->qp_num, status), pair, is_receive);
}

void VerbsNic::flush_queue_pair(Qpn qpn, Code reason) {
  QueuePair* pair = find(qpn);
  if (pair == nullptr || pair->state == QueuePair::State::kFailed) return;
  std::erase(failing_, pair);
  end(*pair, reason);
  end_failing();
}

void VerbsNic::check_deadlines(std::uint64_t now_ns) {
  deadline_check_ns_ = UINT64_MAX;
  for (const auto& [qpn, pair] : pairs_) {
    if (pair->state != QueuePair::State::kConnected || pair->sends.empty()) continue;
    deadline_check_ns_ = std::min(deadline_check_ns_, check_deadline(*pair, now_ns));
  }
}

// When to look again; UINT64_MAX if its time is over.
std::uint64_t VerbsNic::check_deadline(QueuePair& pair, std::uint64_t now_ns) {
  Request& oldest = pair.sends.oldest();
  const std::uint64_t transfer_ns = oldest.bytes * kNsPerByte;
  const std::uint64_t silence_ns = pair.options.deadline_ns + transfer_ns;
  const std::uint64_t not_ready_ns =
      needs_receive(oldest.opcode) ? pair.options.rnr_deadline_ns + transfer_ns : UINT64_MAX;
  const std::uint64_t waited_ns = now_ns - pair.progress_ns;
  const std::uint64_t limit_ns = std::min(silence_ns, not_ready_ns);
  if (waited_ns < limit_ns) return pair.progress_ns + limit_ns;
  const bool heard = waited_ns < silence_ns || waited_ns >= kDeviceGivesUpNs;
  oldest.verdict =
      waited_ns >= not_ready_ns && heard ? Code::kRnrRetryExceeded : Code::kRetryExceeded;
  fail_oldest_send(pair);
  return UINT64_MAX;
}

void VerbsNic::take_device_events() {
  ibv_async_event event{};
  while (device_.events.next_event(event)) {
    on_device_event(event);
    ibv_ack_async_event(&event);
  }
}

void VerbsNic::on_device_event(const ibv_async_event& event) {
  switch (static_cast<unsigned>(event.event_type)) {
    case IBV_EVENT_QP_FATAL:
    case IBV_EVENT_QP_REQ_ERR:
    case IBV_EVENT_QP_ACCESS_ERR:  // of a request of the peer
      note_failure(*static_cast<QueuePair*>(event.element.qp->qp_context),
                   Code::kRemoteInvalidRequest);
      break;
    case IBV_EVENT_CQ_ERR:
    case IBV_EVENT_DEVICE_FATAL:
      for (const auto& [qpn, pair] : pairs_) note_failure(*pair, Code::kDeviceFailed);
      break;
    default: break;  // of links and addresses: deadlines tell what they do to a connection
  }
}

}  // namespace mapwire::verbs
