// Who lets the requests for leases make progress that wait.
#include <cstdint>

#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/coroutine.h"

namespace mapwire::detail {
namespace {

constexpr std::uint64_t kLeaseRetryNs = 1'000'000;

}  // namespace

asio::awaitable<void> Control::serve_waiting_leases() {
  do {
    co_await sleep_for_ns(io_, kLeaseRetryNs);
  } while (!down_ && path_->serve_leases());
  serves_leases_ = false;
}

}  // namespace mapwire::detail
