#include "mapwire/endpoints/detail/data_path.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

// Completions asked of the NIC at once: enough to spread the cost of a call.
constexpr std::size_t kBatch = 32;
// Rounds of serving under one hold of the lock, so that a waiting application gets it soon.
constexpr int kRoundsMax = 4;
// For the peers of rdma:// connections to confirm the end: three repeats.
constexpr std::uint64_t kDisconnectsNs = 1'000'000'000;

}  // namespace

DataPath::DataPath(Threads threads, ChosenNic nic, std::unique_ptr<CounterBlock> counters,
                   WakeDescriptor wake)
    : lock_{threads},
      counter_block_{std::move(counters)},
      counters_{PathCounters::in(counter_block_.get())},
      reason_{std::move(nic.reason)},
      nic_{std::move(nic.nic)},
      connection_manager_{nic_->connection_manager()},
      attributes_{nic_->attributes()},
      wake_{std::move(wake)} {}

std::expected<std::shared_ptr<DataPath>, Error> DataPath::create(
    Threads threads, ChosenNic nic, std::unique_ptr<CounterBlock> counters) {
  auto wake = WakeDescriptor::create(nic.nic->event_fd());
  if (!wake) return std::unexpected(wake.error());
  return std::shared_ptr<DataPath>{
      new DataPath{threads, std::move(nic), std::move(counters), std::move(*wake)}};
}

std::size_t DataPath::poll(std::span<Completion> out) {
  const std::lock_guard guard{lock_};
  tell_credits_came();  // the application is about to try again anyway
  return poll_locked(out);
}

std::optional<std::size_t> DataPath::wait(std::span<Completion> out, std::uint64_t deadline_ns,
                                          std::uint64_t sleep_until_ns) {
  std::unique_lock guard{lock_};
  std::size_t count = poll_locked(out);
  bool over = tell_credits_came() || now_ns() >= deadline_ns;
  if (count != 0 || over) return count;
  const std::uint64_t wakes_ns = std::min(sleep_until_ns, nic_deadline_ns());
  ++waiters_;
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

bool DataPath::arm(bool use_alarm, std::uint64_t alarm_ns_max) {
  const std::lock_guard guard{lock_};
  if (nic_ == nullptr) return true;
  serve_nic();
  // Also makes a device notify of what comes from now on.
  const std::uint64_t deadline_ns = nic_deadline_ns();
  if (deadline_ns == 0) serve_nic();
  if (!completions_.empty() || !credit_came_.empty()) return false;
  armed_ = true;
  if (use_alarm) {
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

void DataPath::serve() {
  const std::lock_guard guard{lock_};
  serve_nic();
}

std::optional<std::uint64_t> DataPath::serve_for_absent(std::uint64_t polls_seen) {
  if (!lock_.try_lock()) return std::nullopt;
  const std::lock_guard guard{lock_, std::adopt_lock};
  helper_wakes_ns_ = kNobody;
  if (nic_ == nullptr || polls() != polls_seen) return std::nullopt;
  counters_.helper_serves.add();
  serve_nic();
  helper_wakes_ns_ = std::max<std::uint64_t>(nic_deadline_ns(), 1);
  return helper_wakes_ns_;
}

bool DataPath::attended() {
  const std::lock_guard guard{lock_};
  return waiters_ != 0 || armed_;
}

void DataPath::shut_down() {
  const std::lock_guard guard{lock_};
  drain_nic();
  endpoints_.for_each([](Endpoint::Impl& endpoint) { endpoint.close_locked(); });
  await_disconnects();
  connection_manager_ = nullptr;
  nic_.reset();
  helper_wakes_ns_ = kNobody;
}

// Without the NIC nobody repeats a good-bye that the network has lost.
void DataPath::await_disconnects() {
  if (connection_manager_ == nullptr) return;
  const std::uint64_t end_ns = now_ns() + kDisconnectsNs;
  while (connection_manager_->disconnecting() && now_ns() < end_ns) {
    wake_.clear();  // of completions that nobody will take
    wake_.sleep_until(std::min(end_ns, nic_deadline_ns()));
    drain_nic();
  }
}

std::size_t DataPath::poll_locked(std::span<Completion> out) {
  polls_.store(polls() + 1, std::memory_order_relaxed);
  if (nic_ == nullptr) return 0;
  if (helper_wakes_ns_ != kNobody) send_helper_away();
  if (armed_) disarm();
  if (!credit_due_.empty()) send_due_credits();
  direct_ = completions_.empty() ? out : out.subspan(completions_.take(out));
  poll_nic(direct_.size());
  const std::size_t count = out.size() - std::exchange(direct_, {}).size();
  if (wake_.signalled() && completions_.empty()) wake_.clear();
  for (const Completion& completion : out.first(count)) hand_over(completion);
  after_post();
  return count;
}

// Takes up to `max` completions of the NIC to their endpoints; fewer if it has no more. An endpoint
// may end meanwhile and take others, so each call has its own room for them.
DataPath::Taken DataPath::take_completions(std::size_t max) {
  // Not cleared, as an array of entries would be: most polls find nothing.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the NIC writes what is read
  alignas(proto::CompletionEntry) std::array<std::byte, kBatch * sizeof(proto::CompletionEntry)>
      room;
  const std::span entries{reinterpret_cast<proto::CompletionEntry*>(room.data()), kBatch};
  Taken taken;
  std::size_t asked = 0;
  std::size_t got = 0;
  do {
    asked = std::min(kBatch, max - taken.count);
    const Polled polled = nic_->poll(entries.first(asked), Now{});
    got = polled.completions;
    taken.events = polled.events;
    for (const proto::CompletionEntry& entry : entries.first(got)) {
      Endpoint::Impl* endpoint = endpoints_.find(endpoint_of(entry.cookie));
      if (endpoint != nullptr) endpoint->on_completion(entry);  // null: closed and gone
    }
    taken.count += got;
  } while (got == asked && taken.count < max);
  return taken;
}

std::size_t DataPath::poll_nic(std::size_t max) {
  const Taken taken = take_completions(max);
  if (taken.events) {
    take_async_events();
    if (connection_manager_ != nullptr) take_connection_events();
  }
  if (!credit_wanted_.empty()) look_for_wanted_credits();
  return taken.count;
}

// Acknowledgements are held back for one poll: none is left only after an empty one.
void DataPath::serve_nic() {
  if (nic_ == nullptr) return;
  send_due_credits();
  for (int round = 0; round < kRoundsMax; ++round) {
    if (poll_nic(kBatch) == 0 && round > 0) return;
  }
}

void DataPath::drain_nic() {
  if (nic_ == nullptr) return;
  poll_nic(kBatch);
  while (poll_nic(kBatch) != 0) {  // ends: nothing is posted meanwhile, and the queues are bounded
  }
}

void DataPath::hand_over(const Completion& completion) {
  Endpoint::Impl* endpoint = endpoints_.find(completion.endpoint);
  if (endpoint != nullptr) endpoint->on_seen(completion.operation);
}

void DataPath::take_async_events() {
  AsyncEvent event;
  while (nic_->poll_async({&event, 1}) == 1) on_async_event(event);
}

void DataPath::on_async_event(const AsyncEvent& event) {
  // What was completed before the failure, or says more of it.
  while (take_completions(kBatch).count != 0) {
  }
  endpoints_.for_each(
      [&](Endpoint::Impl& endpoint) { endpoint.on_nic_failure(event.qpn, event.code); });
}

void DataPath::take_connection_events() {
  CmEvent event;
  while (connection_manager_->poll_events({&event, 1}) == 1) on_connection_event(event);
}

void DataPath::send_due_credits() {
  for (const EndpointId id : credit_due_) {
    if (Endpoint::Impl* endpoint = endpoints_.find(id)) endpoint->send_credit_update();
  }
  credit_due_.clear();
}

void DataPath::look_for_wanted_credits() {
  std::erase_if(credit_wanted_, [this](EndpointId id) {
    Endpoint::Impl* endpoint = endpoints_.find(id);
    if (endpoint == nullptr) return true;
    if (!endpoint->wanted_credit_came()) return false;
    credit_came_.push_back(id);
    return true;
  });
  if (!credit_came_.empty() && (waiters_ != 0 || armed_)) wake_.signal();
}

bool DataPath::tell_who_wanted_credits() {
  for (const EndpointId id : credit_came_) {
    if (Endpoint::Impl* endpoint = endpoints_.find(id)) endpoint->on_told_of_credits();
  }
  credit_came_.clear();
  return true;
}

void DataPath::forget_credit_wanted(EndpointId id) {
  std::erase(credit_wanted_, id);
  std::erase(credit_came_, id);
}

std::uint64_t DataPath::nic_deadline_ns() {
  return nic_ == nullptr ? UINT64_MAX : nic_->next_deadline_ns();
}

void DataPath::reserve_completions(std::size_t requests) {
  reserved_ += requests;
  completions_.reserve(reserved_ + completions_.size());
  credit_due_.reserve(endpoints_.size());
  credit_wanted_.reserve(endpoints_.size());
  credit_came_.reserve(endpoints_.size());
}

void DataPath::complete(const Completion& completion) {
  if (!direct_.empty()) {
    direct_.front() = completion;
    direct_ = direct_.subspan(1);
    return;
  }
  completions_.push(completion);
  if (waiters_ != 0 || armed_) wake_.signal();
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
