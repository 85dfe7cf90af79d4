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
#include "mapwire/runtime/log.h"
#include "mapwire/runtime/reserve.h"

namespace mapwire::detail {
namespace {

// Completions asked of the NIC at once: enough to spread the cost of a call.
constexpr std::size_t kBatch = 32;
// More completions than ever wait at once. Without a limit an importer whose notifications are
// ignored, each of which makes room for the next, could keep a drain from ending.
constexpr std::size_t kDrainedMax = std::size_t{1} << 20;
// Rounds of serving under one hold of the lock, so that a waiting application gets it soon.
constexpr int kRoundsMax = 4;
// For the peers of rdma:// connections to confirm the end: three repeats.
constexpr std::uint64_t kDisconnectsNs = 1'000'000'000;

}  // namespace

DataPath::DataPath(const Settings& settings, ChosenNic nic, std::unique_ptr<CounterBlock> counters,
                   WakeDescriptor wake)
    : lock_{settings.threads},
      counter_block_{std::move(counters)},
      counters_{PathCounters::in(counter_block_.get())},
      reason_{std::move(nic.reason)},
      shm_alone_{nic.shm_alone},
      nic_{std::move(nic.nic)},
      memory_{std::in_place, *nic_, settings.options, counter_block_.get()},
      tlb_{memory_->tlb()},
      reap_fd_{tlb_ == nullptr ? -1 : tlb_->reap_fd()},
      connection_manager_{nic_->connection_manager()},
      attributes_{nic_->attributes()},
      wake_{std::move(wake)},
      lender_{*memory_, counters_, on_leases} {}

std::expected<std::shared_ptr<DataPath>, Error> DataPath::create(
    const Settings& settings, ChosenNic nic, std::unique_ptr<CounterBlock> counters) {
  auto wake = WakeDescriptor::create(nic.nic->event_fd());
  if (!wake) return std::unexpected(wake.error());
  return std::shared_ptr<DataPath>{
      new DataPath{settings, std::move(nic), std::move(counters), std::move(*wake)}};
}

std::size_t DataPath::poll(std::span<Completion> out) {
  const std::lock_guard guard{lock_};
  if (attention_) tell_credits_came();  // the application is about to try again anyway
  return poll_locked(out);
}

void DataPath::serve() {
  const std::lock_guard guard{lock_};
  serve_nic();
}

void DataPath::reap() {
  const std::lock_guard guard{lock_};
  if (tlb_ != nullptr && tlb_->wants_reaping()) tlb_->reap();
}

void DataPath::shut_down() {
  const std::lock_guard guard{lock_};
  drain_nic();
  endpoints_.for_each([](Endpoint::Impl& endpoint) { endpoint.close_locked(); });
  await_disconnects();
  connection_manager_ = nullptr;
  tlb_ = nullptr;
  memory_.reset();
  nic_.reset();
  helper_wakes_ns_ = kNobody;
  attention_ = true;
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
  return attention_ ? poll_with_attention(out) : poll_into(out);
}

std::size_t DataPath::poll_into(std::span<Completion> out) {
  direct_ = out;
  poll_nic(out.size());
  if (!trips_.empty()) [[unlikely]]
    take_trips();
  return out.size() - std::exchange(direct_, {}).size();
}

std::size_t DataPath::poll_with_attention(std::span<Completion> out) {
  if (nic_ == nullptr) return 0;
  if (helper_wakes_ns_ != kNobody) send_helper_away();
  if (armed_) disarm();
  if (!credit_due_.empty()) send_due_credits();
  std::size_t count = take_queued(out);
  count += poll_into(out.subspan(count));
  if (wake_.signalled() && completions_.empty() && trips_.empty()) wake_.clear();
  after_post();
  attention_ = needs_attention();
  return count;
}

bool DataPath::needs_attention() const {
  return nic_ == nullptr || helper_wakes_ns_ != kNobody || waiters_ != 0 || armed_ ||
         wake_.signalled() || !completions_.empty() || !trips_.empty() || !credit_due_.empty() ||
         !credit_wanted_.empty() || !credit_came_.empty();
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
  if (!rendezvous_.empty()) progress_rendezvous();
  if (!credit_wanted_.empty()) look_for_wanted_credits();
  if (tlb_ != nullptr && tlb_->wants_reaping()) tlb_->reap();
  return taken.count;
}

// Acknowledgements are held back for one poll: none is left only after an empty one.
void DataPath::serve_nic() {
  if (nic_ == nullptr) return;
  send_due_credits();
  for (int round = 0; round < kRoundsMax; ++round) {
    if (poll_nic(kBatch) == 0 && round > 0) break;
  }
  after_post();
}

void DataPath::drain_nic() {
  if (nic_ == nullptr) return;
  std::size_t taken = poll_nic(kBatch);
  for (std::size_t more = 1; more != 0 && taken < kDrainedMax; taken += more) {
    more = poll_nic(kBatch);
  }
  after_post();
}

std::size_t DataPath::take_queued(std::span<Completion> out) {
  const std::size_t count = completions_.take(out);
  for (const Completion& completion : out.first(count)) {
    Endpoint::Impl* endpoint = endpoints_.find(completion.endpoint);
    if (endpoint != nullptr) endpoint->on_seen(completion.operation);
  }
  return count;
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

void DataPath::progress_rendezvous() {
  std::erase_if(rendezvous_, [this](EndpointId id) {
    Endpoint::Impl* endpoint = endpoints_.find(id);
    return endpoint == nullptr || !endpoint->progress_rendezvous();
  });
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

void DataPath::reserve_completions(std::size_t requests) {
  reserved_ += requests;
  completions_.reserve(reserved_ + completions_.size());
  for (auto* list : {&credit_due_, &credit_wanted_, &credit_came_, &rendezvous_}) {
    reserve_doubling(*list, endpoints_.size());
  }
}

bool DataPath::serve_leases() {
  const std::lock_guard guard{lock_};
  if (nic_ == nullptr) return false;
  const std::uint64_t now = now_ns();
  while (const auto late = lender_.overdue(now)) {
    log(LogLevel::kWarn, "export: an importer keeps memory that others want; its window ends");
    Endpoint::Impl* endpoint = endpoints_.find(*late);
    if (endpoint != nullptr) endpoint->close_locked();
    lender_.forget(*late);
  }
  return lender_.progress(now);
}

void DataPath::lend(Endpoint::Impl& importer, std::shared_ptr<const LentMemory> lent) {
  const std::lock_guard guard{lock_};
  if (endpoints_.find(importer.id()) == nullptr) return;
  lender_.admit(importer.id(), std::move(lent), importer.options().deadline_ns);
}

void DataPath::take_trips() { direct_ = direct_.subspan(trips_.take(direct_)); }

void DataPath::on_trip(TripWire& wire) {
  trips_.push(wire);
  attention_ = true;
  if (waiters_ != 0 || armed_) wake_.signal();
}

void DataPath::queue(Completion completion) {
  completions_.push(completion);
  attention_ = true;
  if (waiters_ != 0 || armed_) wake_.signal();
}

}  // namespace mapwire::detail
