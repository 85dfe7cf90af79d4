// The accepting side: listen, greet, answer requests.
#include <fmt/format.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/acceptor.h"
#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/host_addresses.h"
#include "mapwire/endpoints/detail/set_up.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/log.h"

namespace mapwire::detail {
namespace {

using asio::ip::tcp;

// The IPv6 wildcard means both. An empty host is both loopbacks already; a host without IPv6 has
// only the other one.
std::vector<tcp::endpoint> listening_addresses(std::vector<tcp::endpoint> resolved) {
  const tcp::endpoint first = resolved.front();
  if (first.address().is_v6() && first.address().is_unspecified()) {
    resolved.insert(resolved.begin(), {asio::ip::address_v4::any(), first.port()});
  }
  return resolved;
}

// The exporter's end of a window sends nothing, and receives notifications alone.
EndpointOptions served_options(EndpointOptions options) {
  options.send_entries = kUnusedEntries;
  options.receive_entries = kNotificationsMax;
  options.private_data.clear();
  return options;
}

}  // namespace

asio::awaitable<void> Control::serve_listen(ListenOptions options,
                                            Reply<std::shared_ptr<Acceptor>> reply) {
  const auto parsed = parse_address(options.address, kDefaultPort);
  const auto endpoint_options = complete(options.endpoint, settings_.options);
  if (!parsed || !endpoint_options) {
    reply(std::unexpected(parsed ? endpoint_options.error() : parsed.error()));
    co_return;
  }
  auto resolved = co_await resolver_.resolve(parsed->host_port,
                                             now_ns() + settings_.options.connect_timeout_ns);
  if (!resolved) {
    reply(std::unexpected(resolved.error()));
    co_return;
  }
  const auto acceptor = std::make_shared<Acceptor>(io_, *endpoint_options);
  const auto addresses = listening_addresses(std::move(*resolved));
  if (auto opened = open_acceptor(acceptor, parsed->rdma, addresses); !opened) {
    reply(std::unexpected(opened.error()));
    co_return;
  }
  acceptors_.insert(acceptor);
  reply(acceptor);
}

std::expected<void, Error> Control::open_acceptor(const std::shared_ptr<Acceptor>& acceptor,
                                                  bool rdma,
                                                  const std::vector<tcp::endpoint>& addresses) {
  if (rdma) {
    auto spelt = spell_out(addresses);
    if (!spelt) return std::unexpected(spelt.error());
    auto listening = rdma_.listen(std::move(*spelt), acceptor);
    if (!listening) return std::unexpected(listening.error());
    acceptor->announce(std::move(*listening));
    return {};
  }
  if (auto opened = acceptor->open(addresses); !opened) return opened;
  acceptor->run([this](tcp::socket socket, std::shared_ptr<Acceptor> to) {
    admit(std::move(socket), std::move(to));
  });
  return {};
}

void Control::admit(tcp::socket socket, std::shared_ptr<Acceptor> acceptor) {
  counters_.links_accepted.add();
  if (strangers_ == kStrangersMax || accepted_.size() == kAcceptedLinksMax) {
    counters_.links_refused.add();
    return;  // the socket closes
  }
  ++strangers_;
  const auto link = std::make_shared<Link>(io_, std::move(socket), counters_);
  accepted_.insert(link);
  spawn(io_, greet(link, std::move(acceptor)));
}

asio::awaitable<void> Control::greet(std::shared_ptr<Link> link,
                                     std::shared_ptr<Acceptor> acceptor) {
  const auto greeted = co_await link->accept(introduction_, now_ns() + kHelloTimeoutNs);
  --strangers_;
  if (greeted) {
    link->run(
        [this, acceptor](const std::shared_ptr<Link>& from,
                         proto::control::ConnectRequest request) {
          spawn(io_, serve_request(from, acceptor, std::move(request)));
        },
        // Weak: a reference to the link in its own hook would keep it for ever.
        [this, weak = std::weak_ptr{link}] { accepted_.erase(weak.lock()); });
    co_return;
  }
  accepted_.erase(link);
  const Code code = greeted.error().code;
  Counter& counter = code == Code::kVersionMismatch     ? counters_.version_mismatches
                     : code == Code::kAddressTranslated ? counters_.address_translations
                                                        : counters_.hello_failed;
  counter.add();
  log(LogLevel::kWarn, "listener: {}", greeted.error().message);
}

asio::awaitable<void> Control::serve_request(std::shared_ptr<Link> link,
                                             std::shared_ptr<Acceptor> acceptor,
                                             proto::control::ConnectRequest request) {
  std::optional<Exports::Found> exported;
  if (request.has_wanted()) {
    auto found = exports_.find(read_import(request.wanted()));
    if (!found) {
      link->send(make_refusal(request.connection(), found.error()));
      co_return;  // an importer asks again and again: no line in the log
    }
    exported = *found;
  }
  acceptor->begin_set_up();
  auto endpoint = co_await answer(link, acceptor, request, exported);
  acceptor->end_set_up();
  if (endpoint) {
    counters_.connections_set_up.add();
    if (!exported) {
      acceptor->deliver(std::move(*endpoint));
    } else if (!exports_.attach(exported->id, *endpoint)) {
      (*endpoint)->close();  // the export has ended meanwhile
    }
    co_return;
  }
  counters_.set_ups_failed.add();
  log(LogLevel::kWarn, "listener: connection from {}: {}",
      proto::to_string(link->addresses().remote), endpoint.error().message);
}

asio::awaitable<Control::EndpointResult> Control::answer(
    std::shared_ptr<Link> link, std::shared_ptr<Acceptor> acceptor,
    const proto::control::ConnectRequest& request, const std::optional<Exports::Found>& exported) {
  const std::uint32_t number = request.connection();
  const auto refuse = [&](const Error& error) {
    link->send(make_refusal(number, error));
    return std::unexpected(error);
  };
  const LinkAddresses& addresses = link->addresses();
  const auto offer = read_request(request, path_->attributes(), addresses.remote.ip);
  if (!offer) co_return refuse(offer.error());
  if (acceptor->closed()) {
    co_return refuse(Error::make(Code::kConnectionRefused, ErrorScope::kEndpoint,
                                 "listener: closed; check that the peer still serves"));
  }
  // This one counts already in the backlog, but is not yet in the link.
  if (acceptor->backlog() > kBacklogMax || link->set_ups() >= kSetUpsPerLinkMax) {
    co_return refuse(Error::make(Code::kLimitReached, ErrorScope::kEndpoint,
                                 "listener: too many connections are being set up or wait to be "
                                 "accepted; try later"));
  }
  EndpointOptions options = exported ? served_options(acceptor->options()) : acceptor->options();
  options.profile = offer->profile;
  auto endpoint =
      Endpoint::Impl::open(path_, options, addresses.local.ip, addresses.remote.ip, make_of(*link));
  if (!endpoint) co_return refuse(endpoint.error());
  if (!enter(link, *endpoint, number)) co_return refuse(too_many_connections(*link));
  SetUp set_up{.link = link, .number = number, .endpoint = *endpoint, .path = path_};
  if (exported) {
    set_up.exported = exported->terms;
    set_up.shared = exported->shared;
    set_up.user = exported->user;
    if (exported->lent) path_->lend(**endpoint, exported->lent);
  }
  const auto finished = co_await finish_as_acceptor(io_, set_up, *offer);
  if (finished) co_return endpoint;
  (*endpoint)->close();
  co_return std::unexpected(finished.error());
}

}  // namespace mapwire::detail
