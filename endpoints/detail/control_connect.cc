// The connecting side: resolve, reach, set up.
#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mapwire/endpoints/detail/acceptor.h"
#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/host_addresses.h"
#include "mapwire/endpoints/detail/probe.h"
#include "mapwire/endpoints/detail/set_up.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

// A refused connection is tried again after pauses that grow: the peer may be starting.
constexpr std::uint64_t kFirstRetryNs = 10'000'000;
constexpr std::uint64_t kLastRetryNs = 200'000'000;
// One address that swallows packets must not use up the time of the others.
constexpr std::uint64_t kAttemptNs = 2'000'000'000;

// The peer may not be there yet.
bool worth_another_try(Code code) {
  return code == Code::kConnectionRefused || code == Code::kConnectTimeout ||
         code == Code::kPeerDead || code == Code::kNotExported;
}

}  // namespace

std::expected<Control::Target, Error> Control::make_target(std::string_view address,
                                                           const ConnectOptions& options) const {
  const std::uint64_t timeout_ns =
      options.timeout_ns != 0 ? options.timeout_ns : settings_.options.connect_timeout_ns;
  const auto parsed = parse_address(address, kDefaultPort);
  if (!parsed) return std::unexpected(parsed.error());
  auto endpoint_options = complete(options.endpoint, settings_.options);
  if (!endpoint_options) return std::unexpected(endpoint_options.error());
  if (parsed->rdma) endpoint_options->profile = Profile::kPlain;
  const std::uint64_t now = now_ns();
  const std::uint64_t deadline_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
  return Target{.address = *parsed, .options = *endpoint_options, .deadline_ns = deadline_ns};
}

std::expected<Control::Target, Error> Control::make_import(std::string_view address,
                                                           const ImportOptions& options) const {
  const auto refused = [](std::string message) {
    return std::unexpected(Error::make(Code::kBadOption, ErrorScope::kRequest, std::move(message)));
  };
  if (address.starts_with("rdma://")) {
    return refused("import: rdma:// addresses have no exports; give host[:port]/name");
  }
  const std::size_t slash = address.find('/');
  if (slash == std::string_view::npos || slash + 1 == address.size()) {
    return refused("import: '" + std::string{address} + "' names no buffer; give host[:port]/name");
  }
  auto target =
      make_target(address.substr(0, slash), {.timeout_ns = options.timeout_ns,
                                             .endpoint = {.profile = Profile::kPlain,
                                                          .send_entries = options.entries,
                                                          .receive_entries = kUnusedEntries,
                                                          .deadline_ns = options.deadline_ns}});
  if (target) {
    target->wanted = {.name = std::string{address.substr(slash + 1)}, .token = options.token};
  }
  return target;
}

asio::awaitable<void> Control::serve_import(std::string address, ImportOptions options,
                                            Reply<Window> reply) {
  auto target = make_import(address, options);
  if (!target) {
    reply(std::unexpected(target.error()));
    co_return;
  }
  auto endpoint = co_await connect_to(std::move(*target));
  if (endpoint) {
    const WindowTerms terms = (*endpoint)->window_terms();
    reply(Window{Endpoint{std::move(*endpoint)}, terms});
  } else {
    reply(std::unexpected(endpoint.error()));
  }
}

asio::awaitable<void> Control::serve_connect(std::string address, ConnectOptions options,
                                             Reply<Endpoint> reply) {
  auto target = make_target(address, options);
  if (!target) {
    reply(std::unexpected(target.error()));
    co_return;
  }
  auto endpoint = co_await connect_to(std::move(*target));
  if (endpoint) {
    reply(Endpoint{std::move(*endpoint)});
  } else {
    reply(std::unexpected(endpoint.error()));
  }
}

asio::awaitable<Control::EndpointResult> Control::connect_to(Target target) {
  std::uint64_t pause_ns = kFirstRetryNs;
  std::optional<Error> refusal;
  for (;;) {
    auto endpoint = co_await connect_once(target);
    if (endpoint || down_ || !worth_another_try(endpoint.error().code)) co_return endpoint;
    if (endpoint.error().code == Code::kConnectionRefused ||
        endpoint.error().code == Code::kNotExported) {
      refusal = endpoint.error();
    }
    const std::uint64_t now = now_ns();
    if (now >= target.deadline_ns) {
      // A refusal tells more than the silence of a last attempt that had no time left.
      if (refusal) co_return std::unexpected(*refusal);
      // "The peer died in set-up" is how a refusal by a stranger's limit looks as well.
      if (endpoint.error().code == Code::kPeerDead)
        endpoint.error().code = Code::kConnectionRefused;
      co_return endpoint;
    }
    co_await sleep_for_ns(io_, std::min(pause_ns, target.deadline_ns - now));
    pause_ns = std::min(2 * pause_ns, kLastRetryNs);
  }
}

asio::awaitable<Control::EndpointResult> Control::connect_once(const Target& target) {
  auto remotes = co_await resolver_.resolve(target.address.host_port, target.deadline_ns);
  if (!remotes) co_return std::unexpected(remotes.error());
  EndpointResult endpoint = std::unexpected(Error{});
  for (const tcp::endpoint& remote : *remotes) {
    if (target.address.rdma) {
      endpoint = co_await connect_by_rdma_cm(remote, target);
    } else {
      endpoint = co_await connect_by_link(remote, target);
    }
    if (endpoint || !worth_another_try(endpoint.error().code)) break;
  }
  co_return endpoint;
}

asio::awaitable<Control::EndpointResult> Control::connect_by_link(tcp::endpoint remote,
                                                                  const Target& target) {
  const std::uint64_t attempt_ns = std::min(target.deadline_ns, now_ns() + kAttemptNs);
  auto link = co_await link_to(remote, attempt_ns);
  if (!link) co_return std::unexpected(link.error());
  co_return co_await set_up_over(*link, target);
}

asio::awaitable<Control::EndpointResult> Control::connect_by_rdma_cm(tcp::endpoint remote,
                                                                     const Target& target) {
  std::expected<proto::IpAddress, Error> local;
  if (settings_.local) {
    local = *settings_.local;
  } else {
    local = local_address_towards(remote);
  }
  if (!local) co_return std::unexpected(local.error());
  RdmaConnect wanted{.local = *local,
                     .service = to_address(remote),
                     .options = target.options,
                     .deadline_ns = target.deadline_ns};
  co_return co_await rdma_.connect(std::move(wanted));
}

// Endpoints to one peer share a link; who comes while it is being made waits for it.
asio::awaitable<std::expected<std::shared_ptr<Link>, Error>> Control::link_to(
    tcp::endpoint remote, std::uint64_t deadline_ns) {
  if (const auto open = links_to_.find(remote); open != links_to_.end()) co_return open->second;
  if (const auto begun = connecting_.find(remote); begun != connecting_.end()) {
    const std::shared_ptr<Connecting> attempt = begun->second;
    co_await wait_for(*attempt->settled);
    if (attempt->failure) co_return std::unexpected(*attempt->failure);
    co_return attempt->link;
  }
  const auto attempt = std::make_shared<Connecting>();
  attempt->link = std::make_shared<Link>(io_, tcp::socket{io_}, counters_);
  attempt->settled =
      std::make_shared<asio::steady_timer>(io_, asio::steady_timer::time_point::max());
  connecting_[remote] = attempt;
  const auto connected = co_await attempt->link->connect(remote, introduction_, deadline_ns);
  connecting_.erase(remote);
  attempt->settled->cancel();
  if (!connected) {
    attempt->failure = connected.error();
    co_return std::unexpected(connected.error());
  }
  links_to_[remote] = attempt->link;
  attempt->link->run(nullptr, [this, remote] { links_to_.erase(remote); });
  co_return attempt->link;
}

asio::awaitable<Control::EndpointResult> Control::set_up_over(std::shared_ptr<Link> link,
                                                              const Target& target) {
  const LinkAddresses& addresses = link->addresses();
  auto endpoint = Endpoint::Impl::open(path_, target.options, addresses.local.ip,
                                       addresses.remote.ip, make_of(*link));
  if (!endpoint) co_return endpoint;
  const auto number = enter(link, *endpoint, std::nullopt);
  if (!number) co_return std::unexpected(too_many_connections(*link));

  const SetUp set_up{.link = link, .number = *number, .endpoint = *endpoint, .path = path_};
  proto::control::Message request =
      make_request(*number, **endpoint, path_->attributes(), path_->shm_alone());
  if (target.wanted) add_import(request, *target.wanted);
  link->send(request);
  auto finished = co_await finish_as_connector(io_, set_up, target.deadline_ns);
  if (!finished) {
    (*endpoint)->close();
    co_return std::unexpected(finished.error());
  }
  counters_.connections_set_up.add();
  co_return endpoint;
}

}  // namespace mapwire::detail
