#include "mapwire/endpoints/detail/context_impl.h"

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {
namespace {

// With Progress::kInline: how often poll() looks at the control plane, and how much it does there.
constexpr std::uint64_t kControlPeriodNs = 1'000'000;
constexpr int kControlHandlersMax = 16;
// How long such a context sleeps without looking: its control plane has no event descriptor. Twice
// as long each time that nothing was to be done there, up to the second: so keep-alives, which come
// in equal steps, are late by no more than a step, and idling takes little of a processor.
constexpr std::uint64_t kInlineSleepNs = 10'000'000;
constexpr std::uint64_t kInlineSleepMaxNs = 80'000'000;

// A device serves its peers by itself: what is left to a helper thread (credits, deadlines, news of
// the device) is not worth a look each millisecond, which costs long messages a few percent.
constexpr std::uint64_t kDeviceTakeoverNs = 20'000'000;

std::uint64_t takeover_ns(const Options& options, const NicAttributes& nic) {
  return nic.foreign ? std::max(options.takeover_ns, kDeviceTakeoverNs) : options.takeover_ns;
}

std::uint64_t after(std::uint64_t duration_ns) {
  const std::uint64_t now = now_ns();
  return duration_ns > UINT64_MAX - now ? UINT64_MAX : now + duration_ns;
}

}  // namespace

std::expected<std::shared_ptr<Context::Impl>, Error> Context::Impl::create(
    const detail::Settings& settings, detail::ChosenNic nic,
    std::unique_ptr<CounterBlock> counters) {
  CounterBlock* const block = counters.get();
  auto path = detail::DataPath::create(settings, std::move(nic), std::move(counters));
  if (!path) return std::unexpected(path.error());
  std::shared_ptr<Impl> impl{new Impl{settings, std::move(*path), block}};
  if (!impl->passive()) return impl;
  auto helper = detail::HelperThread::create(
      impl->control_.io(), *impl->path_, takeover_ns(settings.options, impl->path_->attributes()));
  if (!helper) return std::unexpected(helper.error());
  impl->helper_ = std::move(*helper);
  return impl;
}

Context::Impl::Impl(const detail::Settings& settings, std::shared_ptr<detail::DataPath> path,
                    CounterBlock* counters)
    : settings_{settings},
      path_{std::move(path)},
      control_{path_, settings_, counters},
      spin_bound_{settings.options.spin_ns} {
  path_->on_endpoint_ended = [this](EndpointId id, Code code) {
    control_.on_endpoint_ended(id, code);
  };
  path_->on_leases = {
      .tell = [this](EndpointId id,
                     const detail::LeaseMessage& message) { control_.tell_of_lease(id, message); },
      .wait = [this] { control_.serve_leases(); }};
  path_->on_connection_event = [this](const CmEvent& event) {
    control_.on_connection_event(event);
  };
}

// Only lack of memory throws there, and ends the process.
// NOLINTNEXTLINE(bugprone-exception-escape)
Context::Impl::~Impl() { shut_down(); }

std::expected<void, Error> Context::Impl::check_thread() const {
  if (path_->lock().allows_this_thread()) return {};
  return std::unexpected(Error::make(
      Code::kWrongThread, ErrorScope::kRequest,
      "context: made with Threads::kSingle by another thread; call from that one, or make the "
      "context with Threads::kSafe"));
}

std::size_t Context::Impl::poll(std::span<Completion> out) {
  if (!passive()) run_control_if_due();
  return path_->poll(out);
}

std::size_t Context::Impl::wait(std::span<Completion> out, std::uint64_t timeout_ns) {
  if (out.empty()) return 0;
  const std::uint64_t start_ns = now_ns();
  const std::uint64_t deadline_ns = after(timeout_ns);
  const auto found = spin(out, std::min(deadline_ns, start_ns + spin_bound_.ns()));
  const std::size_t count = found ? *found : sleep(out, deadline_ns);
  const std::uint64_t end_ns = now_ns();
  spin_bound_.on_wait(end_ns - start_ns, end_ns < deadline_ns);
  return count;
}

// Nothing: sleep now.
std::optional<std::size_t> Context::Impl::spin(std::span<Completion> out, std::uint64_t end_ns) {
  while (now_ns() < end_ns) {
    if (!passive()) run_control_if_due();
    if (const auto count = path_->look(out)) return count;
  }
  return std::nullopt;
}

std::size_t Context::Impl::sleep(std::span<Completion> out, std::uint64_t deadline_ns) {
  for (;;) {
    if (!passive()) run_control_if_due();
    const std::uint64_t sleep_ns =
        passive() ? deadline_ns : std::min(deadline_ns, after(next_inline_sleep_ns()));
    if (const auto count = path_->wait(out, deadline_ns, sleep_ns)) return *count;
  }
}

bool Context::Impl::arm() {
  if (!passive()) run_control_if_due();
  return path_->arm(!passive(), after(next_inline_sleep_ns()));
}

void Context::Impl::run_control_if_due() {
  const std::uint64_t now = now_ns();
  if (now < control_due_ns_.load(std::memory_order_relaxed)) return;
  control_due_ns_.store(now + kControlPeriodNs, std::memory_order_relaxed);
  const std::unique_lock turn{control_turn_, std::try_to_lock};
  if (!turn.owns_lock()) return;  // somebody else runs it
  control_.io().restart();
  for (int i = 0; i < kControlHandlersMax && control_.io().poll_one() != 0; ++i) {
    inline_sleep_ns_.store(0, std::memory_order_relaxed);
  }
}

std::uint64_t Context::Impl::next_inline_sleep_ns() {
  const std::uint64_t last_ns = inline_sleep_ns_.load(std::memory_order_relaxed);
  const std::uint64_t next_ns = std::clamp(2 * last_ns, kInlineSleepNs, kInlineSleepMaxNs);
  inline_sleep_ns_.store(next_ns, std::memory_order_relaxed);
  return next_ns;
}

void Context::Impl::run_control_and_nic() {
  {
    const std::lock_guard turn{control_turn_};
    control_.io().restart();
    control_.io().run_one_for(std::chrono::nanoseconds{kControlPeriodNs});
  }
  path_->serve();
}

void Context::Impl::shut_down() {
  if (control_.down()) return;
  path_->shut_down();  // its endpoints have said goodbye when the control plane closes the links
  asio::post(control_.io(), [this, helper = helper_.get()] {
    control_.shut_down();
    if (helper != nullptr) helper->stop();
  });
  if (helper_) {
    helper_.reset();  // waits for the thread
  } else {
    const std::lock_guard turn{control_turn_};
    control_.io().restart();
    control_.io().run_for(detail::kGoodbye);
  }
  control_.end();
}

}  // namespace mapwire
