#include "mapwire/endpoints/detail/coroutine.h"

#include <chrono>
#include <cstdint>

namespace mapwire::detail {

asio::awaitable<void> wait_for(asio::steady_timer& timer) {
  asio::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> sleep_for_ns(asio::io_context& io, std::uint64_t duration_ns) {
  asio::steady_timer timer{io, std::chrono::nanoseconds{duration_ns}};
  co_await wait_for(timer);
}

}  // namespace mapwire::detail
