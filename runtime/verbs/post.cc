// Posting: checks, the work request, the doorbell.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>
#include <utility>

#include "mapwire/runtime/verbs/verbs_nic_impl.h"
#include "mapwire/runtime/verbs/work_request.h"

namespace mapwire::verbs {

using proto::WorkOpcode;

namespace {

// IBTA 9.7.4.1.5 apart, a device takes inline data of writes and sends only.
bool may_be_inline(const QueuePair& pair, WorkOpcode opcode, std::uint64_t bytes) {
  return bytes != 0 && bytes <= pair.inline_bytes && !is_one_sided_response(opcode);
}

}  // namespace

// The first request of an idle queue starts the clock of its deadlines: at the next look at them,
// which is a few polls away, or before anybody sleeps.
void VerbsNic::watch_progress(QueuePair& pair, Now& now) {
  if (clockless_ != nullptr && clockless_ != &pair) start_clock(now.ns());
  clockless_ = &pair;
}

void VerbsNic::start_clock(std::uint64_t now_ns) {
  if (clockless_ == nullptr) return;
  const QueuePairOptions& options = clockless_->options;
  deadline_check_ns_ = std::min(
      {deadline_check_ns_, now_ns + options.deadline_ns, now_ns + options.rnr_deadline_ns});
  std::exchange(clockless_, nullptr)->progress_ns = now_ns;
}

// What the device would not refuse as the interface says, or not at all. Inline data is read by the
// library, which asks for no key; rxe calls bad local memory a flush since 6.12, writes where the
// right of local writing is missing, carries out an atomic before it looks where the old value
// goes, and takes none on an unaligned address, which is the peer's to refuse (IBTA 9.4.5).
Code VerbsNic::verdict_on(const QueuePair& pair, const proto::SendDescriptor& descriptor) {
  if (!well_formed(descriptor)) return Code::kInvalidDescriptor;
  if (is_unaligned_atomic(descriptor)) return Code::kRemoteInvalidRequest;
  const bool writes = is_one_sided_response(descriptor.opcode);
  return regions_.cover(elements_of(descriptor), pair.handle->pd, writes) ? Code::kOk
                                                                          : Code::kLocalProtection;
}

Code VerbsNic::verdict_on(const QueuePair& pair, const proto::ReceiveDescriptor& descriptor) {
  if (!well_formed(descriptor)) return Code::kInvalidDescriptor;
  return regions_.cover(elements_of(descriptor), pair.handle->pd, true) ? Code::kOk
                                                                        : Code::kLocalProtection;
}

bool VerbsNic::post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) {
  QueuePair* pair = find(qpn);
  if (pair == nullptr || pair->state == QueuePair::State::kOpen || pair->sends.full()) return false;
  Request request{
      .cookie = descriptor.cookie,
      .opcode = is_send_opcode(descriptor.opcode) ? descriptor.opcode : WorkOpcode::kSend};
  if (pair->state != QueuePair::State::kConnected) return post_to_failed(*pair, request, false);
  request.verdict = verdict_on(*pair, descriptor);
  if (pair->holds_back || request.verdict != Code::kOk) return hold_back(*pair, request);
  request.bytes = total_bytes(descriptor);
  SendWork work;  // NOLINT(cppcoreguidelines-pro-type-member-init): fill() writes it
  fill(work, descriptor, work_id(*pair, false));
  if (may_be_inline(*pair, descriptor.opcode, request.bytes)) {
    work.request.send_flags |= IBV_SEND_INLINE;
  }
  ibv_send_wr* refused = nullptr;
  const int failure = ibv_post_send(pair->handle.get(), &work.request, &refused);
  if (failure == ENOMEM) return false;
  if (failure != 0) {
    request.verdict = Code::kInvalidDescriptor;
    return hold_back(*pair, request);
  }
  if (pair->sends.empty()) watch_progress(*pair, now);
  push_send(*pair, request);
  return true;
}

bool VerbsNic::post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now /*now*/) {
  QueuePair* pair = find(qpn);
  if (pair == nullptr || pair->receives.full()) return false;
  Request request{.cookie = descriptor.cookie};
  if (pair->state == QueuePair::State::kFailed) return post_to_failed(*pair, request, true);
  request.verdict = verdict_on(*pair, descriptor);
  ReceiveWork work;  // NOLINT(cppcoreguidelines-pro-type-member-init): fill() writes it
  if (request.verdict == Code::kOk) {
    fill(work, descriptor, work_id(*pair, true));
  } else {
    fill_with_failure(work, work_id(*pair, true));  // fails when a message comes for it
  }
  ibv_recv_wr* refused = nullptr;
  // All it can refuse is one that is too many now.
  if (ibv_post_recv(pair->handle.get(), &work.request, &refused) != 0) return false;
  pair->receives.push(request);
  return true;
}

void VerbsNic::push_send(QueuePair& pair, const Request& request) {
  pair.sends.push(request);
  ++sends_under_way_;
}

// Nothing is before it: requests of a queue pair that failed were completed.
bool VerbsNic::post_to_failed(QueuePair& pair, const Request& request, bool is_receive) {
  if (is_receive) {
    pair.receives.push(request);
  } else {
    push_send(pair, request);
  }
  complete_oldest(pair, is_receive, Code::kFlushed);
  return true;
}

// Accepts a send that the device never sees: it fails, or is flushed, when its turn comes.
bool VerbsNic::hold_back(QueuePair& pair, const Request& request) {
  pair.holds_back = true;
  push_send(pair, request);
  if (pair.sends.oldest().verdict == Code::kOk) return true;
  fail_oldest_send(pair);
  end_failing();
  return true;
}

}  // namespace mapwire::verbs
