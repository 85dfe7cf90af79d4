// Who lets the updaters of bindings work.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/coroutine.h"

namespace mapwire::detail {

asio::awaitable<void> Control::serve_updater(std::shared_ptr<Updater> updater,
                                             std::uint64_t pause_ns) {
  asio::steady_timer& timer = updaters_.try_emplace(updater.get(), io_).first->second;
  for (std::optional next_ns{pause_ns}; next_ns;
       next_ns = down_ ? std::nullopt : updater->progress()) {
    timer.expires_after(std::chrono::nanoseconds{*next_ns});
    co_await wait_for(timer);
  }
  updaters_.erase(updater.get());
}

}  // namespace mapwire::detail
