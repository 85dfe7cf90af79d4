// A context: its data path, its control plane, and who runs the latter.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/choose_nic.h"
#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/detail/helper_thread.h"
#include "mapwire/endpoints/detail/reply.h"
#include "mapwire/endpoints/detail/settings.h"
#include "mapwire/endpoints/detail/spin_bound.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

// Kept alive by the Context and by every handle made from it; shut_down() when the Context goes.
class Context::Impl : public std::enable_shared_from_this<Context::Impl> {
 public:
  // `nic` as choose_nic makes it; a test may bring its own. `counters` may be null. Errors:
  // kSystemCall.
  static std::expected<std::shared_ptr<Impl>, Error> create(const detail::Settings& settings,
                                                            detail::ChosenNic nic,
                                                            std::unique_ptr<CounterBlock> counters);
  static Context wrap(std::shared_ptr<Impl> impl) { return Context{std::move(impl)}; }
  static Impl& of(Context& context) { return *context.impl_; }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // Nothing, or kWrongThread.
  std::expected<void, Error> check_thread() const;

  // Begin something in the control plane, whose reply comes while that runs: soon with
  // Progress::kPassive, else while somebody calls poll() or another function of the context.
  detail::Control& control() { return control_; }
  // Runs `begin`, which hands a Reply on, and waits for that.
  template <class T>
  std::expected<T, Error> await_reply(std::move_only_function<void(detail::Reply<T>)> begin);

  // Context's.
  std::size_t poll(std::span<Completion> out);
  std::size_t wait(std::span<Completion> out, std::uint64_t timeout_ns);
  bool arm();
  int event_fd() const { return path_->event_fd(); }
  void shut_down();

  const std::shared_ptr<detail::DataPath>& path() const { return path_; }

 private:
  Impl(const detail::Settings& settings, std::shared_ptr<detail::DataPath> path,
       CounterBlock* counters);

  bool passive() const { return settings_.progress == Progress::kPassive; }
  std::optional<std::size_t> spin(std::span<Completion> out, std::uint64_t end_ns);
  std::size_t sleep(std::span<Completion> out, std::uint64_t deadline_ns);
  void run_control_if_due();
  std::uint64_t next_inline_sleep_ns();
  void run_control_and_nic();

  const detail::Settings settings_;
  const std::shared_ptr<detail::DataPath> path_;
  detail::Control control_;
  detail::SpinBound spin_bound_;
  // Progress::kInline: who holds it runs the control plane.
  std::mutex control_turn_;
  std::atomic<std::uint64_t> control_due_ns_ = 0;
  std::atomic<std::uint64_t> inline_sleep_ns_ = 0;  // the last; 0: there was something to do
  std::unique_ptr<detail::HelperThread> helper_;    // with Progress::kPassive
};

template <class T>
std::expected<T, Error> Context::Impl::await_reply(
    std::move_only_function<void(detail::Reply<T>)> begin) {
  std::promise<std::expected<T, Error>> promise;
  auto result = promise.get_future();
  begin(detail::Reply<T>{[promise = std::move(promise)](std::expected<T, Error> value) mutable {
    promise.set_value(std::move(value));
  }});
  while (!passive() && result.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
    run_control_and_nic();
  }
  return result.get();
}

}  // namespace mapwire
