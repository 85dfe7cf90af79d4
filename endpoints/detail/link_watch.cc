// Keep-alives of a control link: each side speaks often enough for the less patient of the two, and
// gives up a peer that says nothing for a deadline.
#include <fmt/format.h>

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/link.h"

namespace mapwire::detail {
namespace {

// Four keep-alives may be late before a peer counts as silent.
constexpr std::uint64_t kTicksPerDeadline = 5;
constexpr std::uint64_t kIdlePatienceNs = 1'000'000'000;
// The connecting side keeps a link that has no connection for a while, since the next one often
// follows at once; the accepting side much longer, so that both never decide at the same time.
constexpr std::uint64_t kUnusedByConnectorNs = 1'000'000'000;
constexpr std::uint64_t kUnusedByAcceptorNs = 10'000'000'000;

proto::control::Message make_keep_alive() {
  proto::control::Message message;
  message.mutable_keep_alive();
  return message;
}

}  // namespace

// That of the less patient side.
std::uint64_t Link::patience_ns(const Connection& connection) {
  const std::uint64_t own_ns = connection.endpoint->options().deadline_ns;
  return connection.in_set_up() ? own_ns : std::min(own_ns, connection.peer_deadline_ns);
}

std::uint64_t Link::least_patience_ns() const {
  std::uint64_t least_ns = kIdlePatienceNs;
  for (const auto& [number, connection] : connections_) {
    least_ns = std::min(least_ns, patience_ns(connection));
  }
  return least_ns;
}

// Silence is counted in ticks that this side was there to see: a process that was itself stopped
// for long finds one tick on waking, and what the peer said meanwhile is read before the next.
asio::awaitable<void> Link::watch([[maybe_unused]] std::shared_ptr<Link> self) {
  const proto::control::Message keep_alive = make_keep_alive();
  while (!closed()) {
    if (std::exchange(connections_changed_, false)) tick_patience_ns_ = least_patience_ns();
    const std::uint64_t tick = tick_patience_ns_ / kTicksPerDeadline;
    tick_.expires_after(std::chrono::nanoseconds{tick});
    asio::error_code cancelled;
    co_await tick_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (closed()) co_return;
    if (cancelled) continue;  // the ticks have become shorter
    silent_ns_ += tick;
    send(keep_alive);
    fail_silent_connections();
    unused_ns_ = connections_.empty() ? unused_ns_ + tick : 0;
    if (unused_ns_ >= (on_request_ ? kUnusedByAcceptorNs : kUnusedByConnectorNs)) {
      close(Error::make(Code::kPeerClosed, ErrorScope::kEndpoint,
                        "control link: closed because no connection used it; connect again"));
    }
  }
}

void Link::fail_silent_connections() {
  if (silent_ns_ < tick_patience_ns_) return;  // for none of them long enough
  std::vector<std::shared_ptr<Endpoint::Impl>> silent;
  for (const auto& [number, connection] : connections_) {
    if (silent_ns_ >= connection.endpoint->options().deadline_ns) {
      silent.push_back(connection.endpoint);
    }
  }
  if (silent.empty()) return;
  const Error reason = Error::make(
      Code::kRetryExceeded, ErrorScope::kEndpoint,
      fmt::format(
          "peer {}: its process said nothing for the deadline; it is stopped or cut off, or "
          "its progress is inline and it does not poll",
          proto::to_string(addresses_.remote)));
  if (silent.size() == connections_.size()) {
    counters_.links_silent.add();
    close(reason);
    return;
  }
  for (const auto& endpoint : silent) endpoint->fail(reason, reason.code);
}

}  // namespace mapwire::detail
