// How the control plane runs its coroutines.
//
// Threads: all of the control plane belongs to whoever runs its io_context, one thread at a time:
// the helper thread, or with Progress::kInline the callers in turn.
#pragma once

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <utility>

namespace mapwire::detail {

// Runs a coroutine on its own. One that throws ends the process: it has no way to fail but memory.
inline void spawn(asio::io_context& io, asio::awaitable<void> coroutine) {
  asio::co_spawn(io, std::move(coroutine), [](const std::exception_ptr& thrown) {
    if (thrown) std::terminate();
  });
}

// An instant of now_ns(), whose clock is that of steady_timer; never, if it can not hold it.
inline asio::steady_timer::time_point to_time_point(std::uint64_t instant_ns) {
  return asio::steady_timer::time_point{
      std::chrono::nanoseconds{std::min<std::uint64_t>(instant_ns, INT64_MAX)}};
}

// Waits for `timer`; returns when it expired or was cancelled.
asio::awaitable<void> wait_for(asio::steady_timer& timer);
asio::awaitable<void> sleep_for_ns(asio::io_context& io, std::uint64_t duration_ns);

}  // namespace mapwire::detail
