#include "mapwire/endpoints/detail/link.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

// A peer that takes nothing more is given up. Per connection a handful of messages is under way,
// and a keep-alive per tick comes on top.
constexpr std::size_t kOutgoingMax = 8 * kConnectionsPerLinkMax;

}  // namespace

Link::Link(asio::io_context& io, tcp::socket socket, ControlCounters& counters)
    : io_{io}, socket_{std::move(socket)}, counters_{counters}, expiry_{io}, tick_{io} {}

void Link::run(OnRequest on_request, std::function<void()> on_closed) {
  on_request_ = std::move(on_request);
  on_closed_ = std::move(on_closed);
  spawn(io_, read_loop(shared_from_this()));
  spawn(io_, watch(shared_from_this()));
}

void Link::send(const proto::control::Message& message) {
  if (closed()) return;
  if (outgoing_.size() == kOutgoingMax) {
    close(Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                      "control link: the peer takes no messages; check that it runs"));
    return;
  }
  outgoing_.push_back(frame(message));
  if (outgoing_.size() == 1) write_next();
}

// What fits into the socket's buffer is written before async_write returns, so that a message sent
// just before the end of the process still leaves.
void Link::write_next() {
  asio::async_write(socket_, asio::buffer(outgoing_.front()),
                    [self = shared_from_this()](const asio::error_code& failure, std::size_t) {
                      if (self->closed() || failure) return;  // reading fails too, and says why
                      self->outgoing_.pop_front();
                      if (!self->outgoing_.empty()) self->write_next();
                    });
}

std::optional<std::uint32_t> Link::add(std::shared_ptr<Endpoint::Impl> endpoint,
                                       std::optional<std::uint32_t> number) {
  if (closed() || connections_.size() == kConnectionsPerLinkMax) return std::nullopt;
  if (!number) {
    while (connections_.contains(next_number_)) ++next_number_;
    number = next_number_++;
  }
  Connection connection{.endpoint = std::move(endpoint),
                        .inbox = {},
                        .inbox_changed = std::make_shared<asio::steady_timer>(io_)};
  if (!connections_.try_emplace(*number, std::move(connection)).second) return std::nullopt;
  return number;
}

asio::awaitable<std::expected<proto::control::Message, Error>> Link::receive(
    std::uint32_t number, std::uint64_t deadline_ns) {
  for (;;) {
    if (closed()) co_return std::unexpected(*closed_);
    const auto found = connections_.find(number);
    if (found == connections_.end()) {
      co_return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kEndpoint,
                                            "endpoint: closed during its set-up; connect again"));
    }
    Connection& connection = found->second;
    if (!connection.inbox.empty()) {
      proto::control::Message message = std::move(connection.inbox.front());
      connection.inbox.pop_front();
      co_return message;
    }
    if (now_ns() >= deadline_ns) {
      co_return std::unexpected(
          Error::make(Code::kConnectTimeout, ErrorScope::kEndpoint,
                      "peer " + proto::to_string(addresses_.remote) +
                          ": did not answer in set-up in time; check that it makes progress"));
    }
    const std::shared_ptr<asio::steady_timer> changed = connection.inbox_changed;
    changed->expires_at(to_time_point(deadline_ns));
    co_await wait_for(*changed);
  }
}

void Link::on_set_up(std::uint32_t number, std::uint64_t peer_deadline_ns) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  found->second.in_set_up = false;
  found->second.peer_deadline_ns = peer_deadline_ns;
  tick_.cancel();  // the new connection may want shorter ticks
}

std::size_t Link::set_ups() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      connections_, [](const auto& entry) { return entry.second.in_set_up; }));
}

void Link::remove(std::uint32_t number) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  found->second.inbox_changed->cancel();
  connections_.erase(found);
  unused_ns_ = 0;
}

void Link::close(const Error& reason) {
  if (closed()) return;
  closed_ = reason;
  asio::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  expiry_.cancel();
  tick_.cancel();
  const std::map<std::uint32_t, Connection> connections = connections_;
  for (const auto& [number, connection] : connections) {
    connection.inbox_changed->cancel();
    if (!connection.in_set_up) connection.endpoint->fail(reason, reason.code);
  }
  if (on_closed_) std::exchange(on_closed_, nullptr)();
}

}  // namespace mapwire::detail
