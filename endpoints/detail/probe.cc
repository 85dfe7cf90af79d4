#include "mapwire/endpoints/detail/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <expected>
#include <memory>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/presence.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

// Retransmission recovers a loss in a fraction of this, as long as this process runs.
constexpr std::uint64_t kProbeNs = 2'000'000'000;
// The peer began its probes when our message reached it, and its result has to come back.
constexpr std::uint64_t kResultSlackNs = 1'000'000'000;
// Between looks at the queue pair: quick at first, since a local peer needs microseconds.
constexpr std::uint64_t kFirstPauseNs = 20'000;
constexpr std::uint64_t kLastPauseNs = 1'000'000;

std::string describe(const Endpoint::Impl& endpoint, const LinkAddresses& addresses) {
  return fmt::format("path from UDP {} to {}", proto::to_string(endpoint.address().udp),
                     proto::to_string(addresses.remote.ip));
}

std::expected<void, Error> judge(Code code, const std::string& path) {
  if (code == Code::kOk) return {};
  const bool black_hole = code == Code::kMtuBlackHole;
  return std::unexpected(Error::make(
      code, ErrorScope::kEndpoint,
      path + (black_hole
                  ? ": carries small packets, but none of a full path MTU; repair the MTU on "
                    "the way (`tracepath` shows it), or ask for a smaller one (MAPWIRE_PATH_MTU)"
                  : ": carries no packets although TCP passes; open the firewall for UDP (`nft "
                    "list ruleset` shows it)")));
}

// Blocked is worse than a black hole, which is worse than nothing.
Code worse(Code one, Code other) {
  if (one == Code::kPathBlocked || other == Code::kPathBlocked) return Code::kPathBlocked;
  return one != Code::kOk ? one : other;
}

}  // namespace

asio::awaitable<Code> probe(asio::io_context& io, std::shared_ptr<Endpoint::Impl> endpoint) {
  endpoint->post_probes();
  Presence presence{now_ns()};
  ProbeProgress progress = endpoint->probe_progress();
  std::uint64_t pause_ns = kFirstPauseNs;
  while (std::min(progress.sent, progress.received) < kProbes && !progress.failed &&
         presence.look(now_ns()) < kProbeNs) {
    co_await sleep_for_ns(io, pause_ns);
    pause_ns = std::min(2 * pause_ns, kLastPauseNs);
    progress = endpoint->probe_progress();
  }
  switch (std::min(progress.sent, progress.received)) {
    case 0: co_return Code::kPathBlocked;
    case 1: co_return Code::kMtuBlackHole;
    default: co_return Code::kOk;
  }
}

asio::awaitable<std::expected<void, Error>> agree_on_path(
    asio::io_context& io, std::shared_ptr<Link> link, std::uint32_t number,
    std::shared_ptr<Endpoint::Impl> endpoint) {
  const Code ours = co_await probe(io, endpoint);
  link->send(make_probe_result(number, ours));
  const std::uint64_t deadline_ns = now_ns() + kProbeNs + kResultSlackNs;
  auto message = co_await link->receive(number, deadline_ns);
  // A peer that has found the path blocked may have gone already: our own finding is the cause.
  if (!message && ours == Code::kOk) co_return std::unexpected(message.error());
  Code theirs = Code::kOk;
  if (message && message->has_probe_result()) {
    theirs = read_code(message->probe_result().code());
  }
  co_return judge(worse(ours, theirs), describe(*endpoint, link->addresses()));
}

}  // namespace mapwire::detail
