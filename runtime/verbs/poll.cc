// Completing: from the device's completion queue to the caller, without a system call.
#include <infiniband/verbs.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "mapwire/runtime/verbs/verbs_nic_impl.h"
#include "mapwire/runtime/verbs/work_completion.h"

namespace mapwire::verbs {
namespace {

using proto::CompletionEntry;

// A caller that never sleeps looks for events of the device so often: it costs a system call.
constexpr std::uint64_t kEventPeriodNs = 10'000'000;
// And at the clock while nothing is under way, or while every poll finds something.
constexpr std::uint32_t kPollsPerLook = 16;

}  // namespace

// Takes completions of the device to `out`, up to kBatch, and shows each to `see` with its queue.
// A queue pair that fails with one of them is ended later, when those that follow were taken.
template <class See>
VerbsNic::Batch VerbsNic::take_batch(std::span<CompletionEntry> out, const See& see) {
  const int taken = ibv_poll_cq(device_.completions.get(),
                                static_cast<int>(std::min(out.size(), kBatch)), batch_.data());
  if (taken <= 0) return {};
  Batch batch{.taken = static_cast<std::size_t>(taken)};
  for (const ibv_wc& completion : std::span{batch_}.first(batch.taken)) {
    CompletionEntry& entry = out[batch.kept];
    if (!translate(completion, entry)) continue;
    ++batch.kept;
    see(entry, pair_of(completion.wr_id), is_receive(completion.wr_id));
  }
  return batch;
}

// False: the request is among those that are completed when the queue pair ends.
bool VerbsNic::translate(const ibv_wc& completion, CompletionEntry& entry) {
  QueuePair& pair = pair_of(completion.wr_id);
  const bool receive = is_receive(completion.wr_id);
  const bool good = completion.status == IBV_WC_SUCCESS;
  if (!good && pair.state != QueuePair::State::kConnected) return false;
  Code status = good ? Code::kOk : to_code(completion.status, receive);
  const Request& request = pop(pair, receive);
  if (!receive && !pair.sends.empty()) pair.progress_ns = instant_.ns();
  if (request.verdict != Code::kOk) [[unlikely]]
    status = request.verdict;
  if (status == Code::kOk) [[likely]] {
    entry = success(request, completion);
  } else {
    entry = failure(request, completion.qp_num, status);
    note_failure(pair, status);
  }
  if (pair.holds_back && !pair.sends.empty() && pair.sends.oldest().verdict != Code::kOk) {
    fail_oldest_send(pair);  // no effect if it fails already
  }
  return true;
}

const Request& VerbsNic::pop(QueuePair& pair, bool is_receive) {
  if (!is_receive) --sends_under_way_;
  return pair.queue(is_receive).pop();
}

std::size_t VerbsNic::take_directly(std::span<CompletionEntry> out) {
  const auto give = [](const CompletionEntry&, QueuePair& pair, bool receive) {
    pair.queue(receive).on_completion_taken();
  };
  std::size_t count = 0;
  Batch batch;
  do {
    batch = take_batch(out.subspan(count), give);
    count += batch.kept;
  } while (batch.taken == kBatch && count < out.size());
  return count;
}

std::size_t VerbsNic::take_ready(std::span<CompletionEntry> out) {
  std::size_t count = 0;
  while (count < out.size() && !ready_.empty()) out[count++] = ready_.pop();
  if (retired_entries_ != 0 && ready_.empty()) {
    reserved_entries_ -= std::exchange(retired_entries_, 0);
  }
  return count;
}

// Takes everything out of the completion queue.
void VerbsNic::drain() {
  instant_ = Now{};  // the last poll may be long ago
  const auto keep = [this](const CompletionEntry& entry, QueuePair& pair, bool receive) {
    ready_.push(entry, pair, receive);
  };
  std::array<CompletionEntry, kBatch> room;
  while (take_batch(room, keep).taken != 0) {
  }
}

// Whether the clock, the device's events and deadlines are to be looked at after a poll: a message
// that just passes through has no need of any of them. Where a poll finds nothing although sends
// are under way, a deadline may be what the caller waits for.
bool VerbsNic::is_time_to_look(bool found_nothing) {
  const bool waits = found_nothing && sends_under_way_ != 0;
  return ++polls_ % kPollsPerLook == 0 || waits || connection_manager_.setting_up();
}

void VerbsNic::look_around(std::uint64_t now_ns) {
  start_clock(now_ns);
  if (now_ns >= event_check_ns_ || connection_manager_.setting_up()) {
    event_check_ns_ = now_ns + kEventPeriodNs;
    take_device_events();
    connection_manager_.progress(now_ns);
  }
  // After what has arrived was heard.
  if (now_ns >= deadline_check_ns_) check_deadlines(now_ns);
}

Polled VerbsNic::poll(std::span<CompletionEntry> completions, Now now) {
  instant_ = now;
  std::size_t count = waits_here() ? take_ready(completions) : 0;
  if (count < completions.size()) count += take_directly(completions.subspan(count));
  if (completions.empty()) drain();
  if (is_time_to_look(count == 0)) look_around(now.ns());
  if (!failing_.empty()) end_failing();
  if (waits_here()) count += take_ready(completions.subspan(count));
  return {.completions = count, .events = !events_.empty() || connection_manager_.has_events()};
}

std::size_t VerbsNic::poll_async(std::span<AsyncEvent> events) {
  if (events_.empty()) return 0;
  const std::size_t count = std::min(events.size(), events_.size());
  std::ranges::copy(std::span{events_}.first(count), events.begin());
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

// The caller is about to sleep: what is asked of the kernel here, polling never asks.
std::uint64_t VerbsNic::next_deadline_ns() {
  device_.events.arm(device_.completions.get());
  drain();  // what came before the notification was asked for
  take_device_events();
  const std::uint64_t instant_ns = now_ns();
  start_clock(instant_ns);
  connection_manager_.progress(instant_ns);
  end_failing();
  if (!ready_.empty()) return 0;
  return std::min(deadline_check_ns_, connection_manager_.next_deadline_ns());
}

}  // namespace mapwire::verbs
