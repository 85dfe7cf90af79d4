#include "mapwire/endpoints/detail/link.h"

#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

// A peer that takes nothing more is given up. All connections may end at once, with a message each;
// those of the few in set-up, and a keep-alive per tick, come on top.
constexpr std::size_t kOutgoingMax = 2 * kConnectionsPerLinkMax;

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
  std::string bytes = frame(message);
  if (outgoing_.empty()) bytes.erase(0, write_now(bytes));
  if (bytes.empty()) return;
  outgoing_.push_back(std::move(bytes));
  if (outgoing_.size() == 1) write_next();
}

// What the socket's buffer has room for, so that what is sent just before the link closes still
// leaves: a context that ends says good-bye for each of its connections. Returns how much.
std::size_t Link::write_now(const std::string& bytes) {
  asio::error_code full_or_broken;  // the rest is written as it can be, and that fails too
  socket_.non_blocking(true, full_or_broken);
  return socket_.write_some(asio::buffer(bytes), full_or_broken);
}

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
  Connection connection{.endpoint = std::move(endpoint), .inbox = std::make_shared<Inbox>(io_)};
  if (!connections_.try_emplace(*number, std::move(connection)).second) return std::nullopt;
  ++set_ups_;
  connections_changed_ = true;
  return number;
}

asio::awaitable<std::expected<proto::control::Message, Error>> Link::receive(
    std::uint32_t number, std::uint64_t deadline_ns) {
  for (;;) {
    if (closed()) co_return std::unexpected(*closed_);
    const auto found = connections_.find(number);
    if (found == connections_.end() || !found->second.in_set_up()) {
      co_return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kEndpoint,
                                            "endpoint: closed during its set-up; connect again"));
    }
    const std::shared_ptr<Inbox> inbox = found->second.inbox;
    if (!inbox->messages.empty()) {
      proto::control::Message message = std::move(inbox->messages.front());
      inbox->messages.pop_front();
      co_return message;
    }
    if (now_ns() >= deadline_ns) {
      co_return std::unexpected(
          Error::make(Code::kConnectTimeout, ErrorScope::kEndpoint,
                      "peer " + proto::to_string(addresses_.remote) +
                          ": did not answer in set-up in time; check that it makes progress"));
    }
    inbox->changed.expires_at(to_time_point(deadline_ns));
    co_await wait_for(inbox->changed);
  }
}

void Link::on_set_up(std::uint32_t number, std::uint64_t peer_deadline_ns) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  connection.inbox.reset();
  connection.peer_deadline_ns = peer_deadline_ns;
  --set_ups_;
  connections_changed_ = true;
  if (patience_ns(connection) < tick_patience_ns_) tick_.cancel();  // shorter ticks from now on
}

void Link::remove(std::uint32_t number) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  if (found->second.in_set_up()) {
    found->second.inbox->changed.cancel();
    --set_ups_;
  }
  connections_.erase(found);
  connections_changed_ = true;
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
    if (connection.in_set_up()) {
      connection.inbox->changed.cancel();
    } else {
      connection.endpoint->fail(reason, reason.code);
    }
  }
  if (on_closed_) std::exchange(on_closed_, nullptr)();
}

}  // namespace mapwire::detail
