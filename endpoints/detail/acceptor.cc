#include "mapwire/endpoints/detail/acceptor.h"

#include <fmt/format.h>

#include <asio/ip/v6_only.hpp>
#include <asio/socket_base.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/log.h"

namespace mapwire::detail {
namespace {

// After a failed accept (no descriptors left) trying again at once would only burn the processor.
constexpr std::uint64_t kAcceptPauseNs = 100'000'000;
// Tries to find a port that is free on both IPv4 and IPv6.
constexpr int kPortTries = 16;

Code code_of(const asio::error_code& failure) {
  if (failure == asio::error::address_in_use) return Code::kAddressInUse;
  if (failure == asio::error::access_denied) return Code::kPermission;
  return Code::kSystemCall;
}

std::unexpected<Error> closed_error() {
  return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kEndpoint,
                                     "listener: closed; make another one"));
}

}  // namespace

std::expected<void, Error> Acceptor::open_one(const tcp::endpoint& address) {
  asio::error_code failure;
  tcp::acceptor socket{io_};
  socket.open(address.protocol(), failure);
  if (!failure) socket.set_option(asio::socket_base::reuse_address{true}, failure);
  // An IPv4 peer of the IPv6 wildcard comes in over the IPv4 socket beside it.
  if (!failure && address.address().is_v6()) {
    socket.set_option(asio::ip::v6_only{true}, failure);
  }
  if (!failure) socket.bind(address, failure);
  if (!failure) socket.listen(asio::socket_base::max_listen_connections, failure);
  if (failure) {
    return std::unexpected(Error::from_errno(
        code_of(failure), ErrorScope::kProcess, failure.value(),
        "listener on " + proto::to_string(to_address(address)),
        "choose another address or port, or look with `ss -ltnp` for who has it"));
  }
  sockets_.push_back(std::move(socket));
  return {};
}

std::expected<void, Error> Acceptor::open(const std::vector<tcp::endpoint>& addresses) {
  std::expected<void, Error> result;
  for (int attempt = 0; attempt < kPortTries; ++attempt) {
    sockets_.clear();
    for (tcp::endpoint address : addresses) {
      // The port that the system chose for the first counts for all.
      if (address.port() == 0 && !sockets_.empty()) {
        address.port(sockets_.front().local_endpoint().port());
      }
      result = open_one(address);
      if (!result) break;
    }
    const bool try_another_port =
        !result && result.error().code == Code::kAddressInUse && addresses.front().port() == 0;
    if (!try_another_port) break;
  }
  for (const tcp::acceptor& socket : sockets_) addresses_.push_back(socket.local_endpoint());
  return result;
}

void Acceptor::run(const Admit& admit) {
  for (tcp::acceptor& socket : sockets_) {
    spawn(io_, accept_loop(shared_from_this(), socket, admit));
  }
}

asio::awaitable<void> Acceptor::accept_loop(std::shared_ptr<Acceptor> self, tcp::acceptor& socket,
                                            Admit admit) {
  while (!closed_) {
    asio::error_code failure;
    tcp::socket connection =
        co_await socket.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (closed_) co_return;
    if (!failure) {
      admit(std::move(connection), self);
      continue;
    }
    log(LogLevel::kWarn, "listener: cannot accept: {}; raise the limit on open files if it recurs",
        failure.message());
    co_await sleep_for_ns(io_, kAcceptPauseNs);
  }
}

void Acceptor::close() {
  if (closed_) return;
  closed_ = true;
  for (tcp::acceptor& socket : sockets_) {
    asio::error_code ignored;
    socket.close(ignored);
  }
  for (const auto& endpoint : ready_) endpoint->close();
  ready_.clear();
  for (const auto& waiting : std::exchange(waiting_, {})) {
    waiting->timer.cancel();
    waiting->reply(closed_error());
  }
}

void Acceptor::accept(std::uint64_t timeout_ns, Reply<Endpoint> reply) {
  if (closed_) {
    reply(closed_error());
    return;
  }
  drop_dead();
  if (!ready_.empty()) {
    reply(Endpoint{std::move(ready_.front())});
    ready_.pop_front();
    return;
  }
  const auto waiting = std::make_shared<Waiting>(io_, std::move(reply));
  waiting_.push_back(waiting);
  constexpr std::uint64_t kLongestNs = 1'000'000'000'000'000'000;  // a timer can hold no more
  waiting->timer.expires_after(std::chrono::nanoseconds{std::min(timeout_ns, kLongestNs)});
  waiting->timer.async_wait(
      [self = shared_from_this(), weak = std::weak_ptr{waiting}](const asio::error_code&) {
        const auto expired = weak.lock();
        if (expired == nullptr || std::erase(self->waiting_, expired) == 0) return;  // answered
        expired->reply(std::unexpected(Error::make(
            Code::kTimeout, ErrorScope::kRequest,
            "listener: no connection came in time; check that the peer connects here")));
      });
}

std::size_t Acceptor::backlog() {
  drop_dead();
  return set_ups_ + ready_.size();
}

void Acceptor::drop_dead() {
  std::erase_if(ready_, [](const auto& endpoint) { return endpoint->error().has_value(); });
}

void Acceptor::deliver(std::shared_ptr<Endpoint::Impl> endpoint) {
  if (closed_) {
    endpoint->close();
  } else if (endpoint->error()) {
    return;  // ended while it came here
  } else if (waiting_.empty()) {
    ready_.push_back(std::move(endpoint));
  } else {
    const auto waiting = waiting_.front();
    waiting_.pop_front();
    waiting->timer.cancel();
    waiting->reply(Endpoint{std::move(endpoint)});
  }
}

}  // namespace mapwire::detail
