// The end of an endpoint: every request that is outstanding completes, the queue pair goes.
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {

// The status of the first that would follow.
Code Endpoint::Impl::flush(detail::PendingQueue& queue, Code first, Code rest) {
  Code status = first;
  while (!queue.empty()) {
    const detail::PendingRequest request = queue.pop();
    release(request);
    if (request.kind != detail::WorkKind::kSend && request.kind != detail::WorkKind::kReceive) {
      continue;  // our own
    }
    deliver({.cookie = request.cookie,
             .endpoint = id_,
             .operation = request.operation,
             .status = status});
    status = rest;
  }
  return status;
}

// What is sent in pieces came after all other sends, what is received before all other receives.
void Endpoint::Impl::abandon_rendezvous(Code send, Code receive) {
  if (const auto offered = std::exchange(offered_, std::nullopt)) {
    deliver({.cookie = offered->cookie,
             .endpoint = id_,
             .operation = Operation::kSend,
             .status = send});
  }
  if (const auto pulled = std::exchange(pulled_, std::nullopt)) {
    Completion completion = pulled->completion;
    completion.status = receive;
    completion.bytes = 0;
    deliver(completion);
  }
  while (path_->nic() != nullptr && offered_pieces_.pulled != offered_pieces_.offered) {
    ++offered_pieces_.pulled;
    path_->memory().conceal(
        offered_pieces_.lkeys[offered_pieces_.pulled % offered_pieces_.lkeys.size()]);
  }
}

// The requests are completed here and not by the NIC: then they are complete when this returns,
// whatever the NIC. What it still reports of them finds the endpoint ended and is dropped.
void Endpoint::Impl::end(State state, Code first_send, Code rest) {
  if (!alive()) return;
  state_ = state;
  if (Nic* nic = path_->nic(); nic != nullptr) {
    nic->close_queue_pair(address_.qpn);
    if (cm_id_) {
      nic->connection_manager()->disconnect(*cm_id_, now_ns());
      path_->after_post();  // its timer runs now
    }
    path_->lender().forget(id_);
    if (memory_) memory_->deregister(path_->memory());
  }
  abandon_rendezvous(flush(sends_, first_send, rest), rest);
  abandon_flushes();
  flush(receives_, rest, rest);
}

void Endpoint::Impl::fail_locked(const Error& reason, Code first_send, Code rest) {
  if (!alive()) return;
  error_ = reason;
  path_->counters().endpoints_failed.add();
  end(State::kFailed, first_send, rest);
  path_->on_endpoint_ended(id_, reason.code);
}

void Endpoint::Impl::fail(const Error& reason, Code rest) {
  const std::lock_guard guard{path_->lock()};
  path_->drain_nic();  // what arrived before the news does not fail
  fail_locked(reason, reason.code, rest);
}

void Endpoint::Impl::close_locked() {
  if (state_ == State::kClosed) return;
  const bool ended = !alive();
  end(State::kClosed, Code::kFlushed, Code::kFlushed);
  state_ = State::kClosed;
  if (!ended) path_->on_endpoint_ended(id_, Code::kOk);
}

void Endpoint::Impl::close() {
  const std::lock_guard guard{path_->lock()};
  if (alive()) path_->drain_nic();  // acknowledges what has arrived
  close_locked();
}

std::optional<Error> Endpoint::Impl::error() const {
  const std::lock_guard guard{path_->lock()};
  return error_;
}

}  // namespace mapwire
