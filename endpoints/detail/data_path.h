// Everything that the context's lock guards: the NIC, the endpoints on it and their completions.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/choose_nic.h"
#include "mapwire/endpoints/detail/completion_queue.h"
#include "mapwire/endpoints/detail/context_lock.h"
#include "mapwire/endpoints/detail/endpoint_table.h"
#include "mapwire/endpoints/detail/lender.h"
#include "mapwire/endpoints/detail/nic_memory.h"
#include "mapwire/endpoints/detail/path_counters.h"
#include "mapwire/endpoints/detail/probe_memory.h"
#include "mapwire/endpoints/detail/trips.h"
#include "mapwire/endpoints/detail/wake_descriptor.h"
#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::detail {

class DataPath {
 public:
  // `counters` may be null. Errors: kSystemCall.
  static std::expected<std::shared_ptr<DataPath>, Error> create(
      const Settings& settings, ChosenNic nic, std::unique_ptr<CounterBlock> counters);
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;

  ContextLock& lock() { return lock_; }
  const NicAttributes& attributes() const { return attributes_; }
  const std::string& reason() const { return reason_; }
  bool shm_alone() const { return shm_alone_; }  // as in ChosenNic

  // The application's calls; they take the lock. poll() and arm() as in context.h; arm() sets the
  // alarm if `use_alarm`: when nobody else keeps the NIC's deadlines. wait() polls, sleeps once if
  // there was nothing, and polls again; look() polls alone. They answer nothing if the application
  // is to wait on, and 0 if it is not, because credits have come or (wait() only) the time is over.
  [[gnu::flatten]] std::size_t poll(std::span<Completion> out);
  std::optional<std::size_t> wait(std::span<Completion> out, std::uint64_t deadline_ns,
                                  std::uint64_t sleep_until_ns);
  std::optional<std::size_t> look(std::span<Completion> out);
  bool arm(bool use_alarm, std::uint64_t alarm_ns_max);
  int event_fd() const { return wake_.fd(); }

  // Makes progress without an application: completions wait in the queue. Takes the lock.
  void serve();

  // The helper thread's way to serve. Counts the application's polls, to see whether it is there.
  std::uint64_t polls() const { return polls_.load(std::memory_order_relaxed); }
  // Serves unless the application holds the lock or has polled since `polls_seen` was read, and
  // says when to come back if no packet arrives; from then on wake_helper is called once: when that
  // instant moves forward, or the application polls. Nothing: the application is active, do not
  // serve.
  std::optional<std::uint64_t> serve_for_absent(std::uint64_t polls_seen);
  // Unpins what is pinned of memory that has changed. Readable when there is some; -1: never.
  void reap();
  int reap_fd() const { return reap_fd_; }
  // Whether a thread of the application sleeps and will wake by itself for packets.
  bool attended();

  // Called under the lock, once per endpoint, when it has ended (by failure here or close). Set
  // before the first endpoint.
  std::move_only_function<void(EndpointId, Code)> on_endpoint_ended;
  // Called under the lock: news of the NIC's connection manager. Set before the first connection.
  std::move_only_function<void(const CmEvent&)> on_connection_event;
  // Called under the lock. Set before the first import.
  Lender::Hooks on_leases;
  // For Hooks::wait: closes who is overdue, and makes progress. False: nothing waits. Takes the
  // lock, as lend() does, by which the peer of the endpoint may ask for leases on that memory.
  bool serve_leases();
  void lend(Endpoint::Impl& importer, std::shared_ptr<const LentMemory> lent);
  // Called under the lock: see serve_for_absent. Set before the first call of it.
  std::move_only_function<void()> wake_helper;

  // Closes all endpoints and the NIC. Everything else then does nothing. Takes the lock.
  void shut_down();

  // The rest is for endpoints and memory regions, which hold the lock.

  // Null after shut_down().
  Nic* nic() { return nic_.get(); }
  // Not after shut_down().
  NicMemory& memory() { return *memory_; }
  // Null: the NIC reads any memory.
  tlb::Tlb* tlb() { return tlb_; }
  EndpointTable& endpoints() { return endpoints_; }
  Lender& lender() { return lender_; }
  PathCounters& counters() { return counters_; }
  ProbeMemory& probe_memory() { return probe_memory_; }
  // Room for the completions of `requests` more requests under way at once; give_back when the
  // endpoint goes.
  void reserve_completions(std::size_t requests);
  void give_back_completions(std::size_t requests) { reserved_ -= requests; }
  // Moves completions of the NIC to the queue for a while, and lets it acknowledge what arrived.
  void serve_nic();
  // The same for all completions that the NIC has: before an end, so that what a peer knows to be
  // delivered is delivered. However full the queues are, it takes them whole.
  void drain_nic();
  // Gives a completion to the application. True: it polls and takes it with this poll; false: the
  // completion waits in the queue, and Endpoint::Impl::on_seen tells when it is taken.
  [[gnu::always_inline]] inline bool complete(const Completion& completion) {
    if (direct_.empty()) [[unlikely]] {
      queue(completion);
      return false;
    }
    // Field by field: what was just written in pieces is read as a whole only after it has left
    // the store buffer, which takes longer than all the rest here.
    Completion& out = direct_.front();
    out.cookie = completion.cookie;
    out.endpoint = completion.endpoint;
    out.operation = completion.operation;
    out.status = completion.status;
    out.has_immediate = completion.has_immediate;
    out.immediate = completion.immediate;
    out.bytes = completion.bytes;
    static_assert(sizeof(Completion) == 40, "a new field is to be copied as well");
    direct_ = direct_.subspan(1);
    return true;
  }
  // To be called after each post, and each poll of the NIC: it may have moved the NIC's deadline
  // forward, and those who sleep rely on the NIC having been asked for it since.
  void after_post() {
    if (helper_wakes_ns_ != kNobody || waiter_wakes_ns_ != kNobody || alarm_ns_ != kNobody) {
      wake_for_deadline();
    }
  }
  // The endpoint has grants to tell the peer, if no message of its own does before the next poll.
  void note_credit_due(EndpointId id) {
    credit_due_.push_back(id);
    attention_ = true;
  }
  // A send of the endpoint would have blocked for want of credits: when they come, who sleeps
  // wakes.
  void note_credit_wanted(EndpointId id) {
    credit_wanted_.push_back(id);
    attention_ = true;
  }
  // The endpoint has messages in pieces under way, or waits for a lease.
  void note_rendezvous(EndpointId id) {
    rendezvous_.push_back(id);
    if (waiters_ != 0 || armed_) wake_.signal();  // who sleeps is to look again soon
  }
  // Of which the application is to be told.
  Trips& trips() { return trips_; }
  void on_trip(TripWire& wire);
  // It was posted after all.
  void forget_credit_wanted(EndpointId id);

 private:
  DataPath(const Settings& settings, ChosenNic nic, std::unique_ptr<CounterBlock> counters,
           WakeDescriptor wake);

  std::size_t poll_locked(std::span<Completion> out);
  // Takes the NIC's completions straight to `out`.
  std::size_t poll_into(std::span<Completion> out);
  [[gnu::cold, gnu::noinline]] std::size_t poll_with_attention(std::span<Completion> out);
  bool needs_attention() const;
  struct Taken {
    std::size_t count = 0;
    bool events = false;  // the NIC has some
  };
  // Inline by order: GCC makes a call of what needs much stack, and each poll would pay for it.
  [[gnu::always_inline]] inline Taken take_completions(std::size_t max);
  std::size_t poll_nic(std::size_t max);
  // Cold: what most polls have no need of.
  [[gnu::cold, gnu::noinline]] void disarm();
  void await_disconnects();
  // By value, as the other way of complete() is faster if nobody takes the completion's address.
  [[gnu::cold, gnu::noinline]] void queue(Completion completion);
  [[gnu::cold, gnu::noinline]] std::size_t take_queued(std::span<Completion> out);
  [[gnu::cold, gnu::noinline]] void take_trips();
  [[gnu::cold, gnu::noinline]] void take_async_events();
  void on_async_event(const AsyncEvent& event);
  [[gnu::cold, gnu::noinline]] void take_connection_events();
  [[gnu::cold, gnu::noinline]] void send_due_credits();
  void look_for_wanted_credits();
  [[gnu::cold, gnu::noinline]] void progress_rendezvous();
  // True: the application is to be told, and from now on counts as told.
  bool tell_credits_came() { return !credit_came_.empty() && tell_who_wanted_credits(); }
  [[gnu::cold, gnu::noinline]] bool tell_who_wanted_credits();
  [[gnu::cold, gnu::noinline]] void send_helper_away();
  [[gnu::cold, gnu::noinline]] void wake_for_deadline();
  std::uint64_t nic_deadline_ns();
  bool wants_look() const;
  std::uint64_t sleep_end_ns();

  ContextLock lock_;
  std::unique_ptr<CounterBlock> counter_block_;  // before the NIC, which counts in it to the end
  PathCounters counters_;
  std::string reason_;
  bool shm_alone_;
  ProbeMemory probe_memory_;  // before the NIC, which writes in it
  std::unique_ptr<Nic> nic_;
  std::optional<NicMemory> memory_;  // while there is a NIC
  tlb::Tlb* tlb_;                    // its; null if it has none or is gone
  int reap_fd_;
  ConnectionManager* connection_manager_;  // the NIC's; null if it has none or is gone
  NicAttributes attributes_;
  WakeDescriptor wake_;
  EndpointTable endpoints_;
  Lender lender_;
  CompletionQueue completions_;
  Trips trips_;
  std::span<Completion> direct_;  // what is left of the span of the poll that runs now
  std::size_t reserved_ = 0;
  // Capacities: every endpoint once.
  std::vector<EndpointId> credit_due_;
  std::vector<EndpointId> credit_wanted_;
  std::vector<EndpointId> credit_came_;  // wanted before; the application was not told yet
  std::vector<EndpointId> rendezvous_;   // that have messages in pieces under way, or want a lease
  std::atomic<std::uint64_t> polls_ = 0;
  // When those who sleep wake by themselves; kNobody: none sleeps.
  static constexpr std::uint64_t kNobody = 0;
  std::uint64_t helper_wakes_ns_ = kNobody;
  std::uint64_t waiter_wakes_ns_ = kNobody;
  std::uint64_t alarm_ns_ = kNobody;
  std::uint32_t waiters_ = 0;
  bool armed_ = false;
  // False: a poll has nothing to do but to ask the NIC. Whoever gives it something else to do sets
  // it.
  bool attention_ = true;
};

}  // namespace mapwire::detail
