// The window of a binding: its puts are the binding's and never seen, its flushes the user's.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>

#include "mapwire/endpoints/detail/endpoint_impl.h"

namespace mapwire {

bool Endpoint::Impl::bind_window() {
  const std::lock_guard guard{path_->lock()};
  if (sends_unseen_ != 0) return false;
  bound_ = std::make_unique<detail::BoundWindow>();
  bound_->flushes.reserve(detail::kBoundFlushesMax);
  return true;
}

std::uint64_t Endpoint::Impl::puts_over() const {
  return bound_->puts_over.load(std::memory_order_acquire);
}

// Half of the entries is left to puts, so that they do not wait for who waits for them. Puts may
// have had all of them before.
Code Endpoint::Impl::begin_flush(std::uint64_t cookie, std::uint64_t pass) {
  const std::lock_guard guard{path_->lock()};
  if (state_ == State::kClosed) return Code::kEndpointClosed;
  if (bound_->flushes_unseen >= std::min(detail::kBoundFlushesMax, options_.send_entries / 2)) {
    return Code::kWouldBlock;
  }
  ++bound_->flushes_unseen;
  ++sends_unseen_;
  if (state_ == State::kOpen) {
    bound_->flushes.push_back({.cookie = cookie, .pass = pass});
  } else {
    complete_flush(cookie, Code::kFlushed);
  }
  return Code::kOk;
}

// (locked)
void Endpoint::Impl::complete_flush(std::uint64_t cookie, Code status) {
  deliver({.cookie = cookie, .endpoint = id_, .operation = Operation::kRead, .status = status});
}

// (locked) Of a flush that waits. False: no room, or the export has ended, of which the news will
// come and complete it with the reason. As Window::flush.
bool Endpoint::Impl::post_flush(std::uint64_t cookie) {
  if (mapped_ && mapped_->ended()) return false;
  if (mapped_ && sends_.empty()) {
    complete_flush(cookie, Code::kOk);
    return true;
  }
  // Those that wait are not at the NIC, whose queue and ours hold the others.
  if (sends_unseen_ - bound_->flushes.size() >= options_.send_entries) return false;
  proto::SendDescriptor descriptor{.opcode = proto::WorkOpcode::kRead};
  --sends_unseen_;
  if (submit(descriptor, {.cookie = cookie, .operation = Operation::kRead}) == Code::kOk) {
    return true;
  }
  ++sends_unseen_;
  return false;
}

bool Endpoint::Impl::post_flushes(std::uint64_t pass) {
  const std::lock_guard guard{path_->lock()};
  auto& waiting = bound_->flushes;
  while (state_ == State::kOpen && !waiting.empty() && waiting.front().pass <= pass &&
         post_flush(waiting.front().cookie)) {
    waiting.erase(waiting.begin());
  }
  return waiting.empty();
}

void Endpoint::Impl::abandon_flushes() {
  if (!bound_) return;
  for (const auto& flush : bound_->flushes) complete_flush(flush.cookie, Code::kFlushed);
  bound_->flushes.clear();
}

}  // namespace mapwire
