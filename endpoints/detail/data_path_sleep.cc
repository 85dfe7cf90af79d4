// Sleeping: of the application's threads, of who waits for its descriptor, and of the helper
// thread.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

constexpr std::uint64_t kLookAgainNs = 100'000;

}  // namespace

std::optional<std::size_t> DataPath::wait(std::span<Completion> out, std::uint64_t deadline_ns,
                                          std::uint64_t sleep_until_ns) {
  std::unique_lock guard{lock_};
  std::size_t count = poll_locked(out);
  bool over = tell_credits_came() || now_ns() >= deadline_ns;
  if (count != 0 || over) return count;
  const std::uint64_t wakes_ns = std::min(sleep_until_ns, sleep_end_ns());
  ++waiters_;
  attention_ = true;
  waiter_wakes_ns_ = waiters_ == 1 ? wakes_ns : std::min(wakes_ns, waiter_wakes_ns_);
  guard.unlock();
  wake_.sleep_until(wakes_ns);
  guard.lock();
  // Nobody knows which of the others wakes next, so any deadline wakes them all.
  waiter_wakes_ns_ = --waiters_ == 0 ? kNobody : UINT64_MAX;
  count = poll_locked(out);
  over = tell_credits_came() || now_ns() >= deadline_ns;
  if (count == 0 && !over) return std::nullopt;
  return count;
}

std::optional<std::size_t> DataPath::look(std::span<Completion> out) {
  const std::lock_guard guard{lock_};
  const std::size_t count = poll_locked(out);
  if (count == 0 && !tell_credits_came()) return std::nullopt;
  return count;
}

bool DataPath::arm(bool use_alarm, std::uint64_t alarm_ns_max) {
  const std::lock_guard guard{lock_};
  if (nic_ == nullptr) return true;
  serve_nic();
  // Also makes a device notify of what comes from now on.
  const std::uint64_t deadline_ns = sleep_end_ns();
  if (deadline_ns == 0) serve_nic();
  if (!completions_.empty() || !trips_.empty() || !credit_came_.empty()) return false;
  armed_ = true;
  attention_ = true;
  if (use_alarm || wants_look()) {
    alarm_ns_ = std::max<std::uint64_t>(std::min(alarm_ns_max, deadline_ns), 1);
    wake_.set_alarm(alarm_ns_);
  }
  return true;
}

void DataPath::disarm() {
  armed_ = false;
  if (alarm_ns_ == kNobody) return;
  alarm_ns_ = kNobody;
  wake_.set_alarm(UINT64_MAX);
}

std::optional<std::uint64_t> DataPath::serve_for_absent(std::uint64_t polls_seen) {
  if (!lock_.try_lock()) return std::nullopt;
  const std::lock_guard guard{lock_, std::adopt_lock};
  helper_wakes_ns_ = kNobody;
  if (nic_ == nullptr || polls() != polls_seen) return std::nullopt;
  counters_.helper_serves.add();
  serve_nic();
  helper_wakes_ns_ = std::max<std::uint64_t>(sleep_end_ns(), 1);
  attention_ = true;
  return helper_wakes_ns_;
}

bool DataPath::attended() {
  const std::lock_guard guard{lock_};
  return waiters_ != 0 || armed_;
}

// What a peer waits for is told before anybody sleeps.
std::uint64_t DataPath::nic_deadline_ns() {
  if (nic_ == nullptr) return UINT64_MAX;
  const std::uint64_t deadline_ns = nic_->next_deadline_ns();
  return credit_due_.empty() ? deadline_ns : 0;
}

// A device says nothing when a peer writes a word that is waited for, and nobody says when there is
// room to pin more.
bool DataPath::wants_look() const {
  return !rendezvous_.empty() || (tlb_ != nullptr && !credit_wanted_.empty());
}

std::uint64_t DataPath::sleep_end_ns() {
  const std::uint64_t deadline_ns = nic_deadline_ns();
  return wants_look() ? std::min(deadline_ns, now_ns() + kLookAgainNs) : deadline_ns;
}

// The application is back. Until the helper has stepped back each post would ask the NIC for its
// next deadline, for its sake.
void DataPath::send_helper_away() {
  helper_wakes_ns_ = kNobody;
  wake_helper();
}

void DataPath::wake_for_deadline() {
  const std::uint64_t deadline_ns = nic_deadline_ns();
  if (deadline_ns < helper_wakes_ns_) {
    helper_wakes_ns_ = kNobody;
    wake_helper();
  }
  if (deadline_ns < waiter_wakes_ns_ || deadline_ns < alarm_ns_) wake_.signal();
}

}  // namespace mapwire::detail
