// The beginning of a control link: reaching the peer, and the exchange of Hellos.
#include <fmt/format.h>

#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <utility>

#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/link.h"

namespace mapwire::detail {
namespace {

Error not_reached(const Link::tcp::endpoint& remote, const asio::error_code& failure) {
  const bool refused = failure == asio::error::connection_refused;
  return Error::from_errno(refused ? Code::kConnectionRefused : Code::kConnectTimeout,
                           ErrorScope::kEndpoint, failure.value(),
                           "peer " + proto::to_string(to_address(remote)),
                           "check that it listens there and that a firewall lets TCP through");
}

}  // namespace

void Link::close_at(std::uint64_t deadline_ns) {
  expiry_.expires_at(to_time_point(deadline_ns));
  expiry_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
    const std::shared_ptr<Link> self = weak.lock();
    if (cancelled || self == nullptr || self->greeted_) return;
    self->close(Error::make(
        Code::kConnectTimeout, ErrorScope::kEndpoint,
        "control link: no greeting from the other side in time; check that it is mapwire"));
  });
}

std::expected<void, Error> Link::take_addresses() {
  asio::error_code failure;
  const tcp::endpoint local = socket_.local_endpoint(failure);
  const tcp::endpoint remote = failure ? tcp::endpoint{} : socket_.remote_endpoint(failure);
  if (failure) {
    return std::unexpected(Error::from_errno(Code::kConnectionRefused, ErrorScope::kEndpoint,
                                             failure.value(), "control link", "connect again"));
  }
  addresses_ = {.local = to_address(local), .remote = to_address(remote)};
  socket_.set_option(tcp::no_delay{true}, failure);
  return {};
}

asio::awaitable<std::expected<void, Error>> Link::receive_hello() {
  auto message = co_await read_message();
  if (!message) co_return std::unexpected(message.error());
  if (message->has_hello()) {
    peer_version_ = message->hello().mapwire_version();
    peer_nic_ = message->hello().nic();
  }
  co_return check_hello(*message, addresses_);
}

asio::awaitable<std::expected<void, Error>> Link::connect(tcp::endpoint remote,
                                                          const Introduction& introduction,
                                                          std::uint64_t deadline_ns) {
  const std::shared_ptr<Link> self = shared_from_this();  // we outlive the waits below
  close_at(deadline_ns);
  asio::error_code failure;
  co_await socket_.async_connect(remote, asio::redirect_error(asio::use_awaitable, failure));
  if (failure && !closed()) close(not_reached(remote, failure));
  if (closed()) co_return std::unexpected(*closed_);
  if (auto taken = take_addresses(); !taken) {
    close(taken.error());
    co_return taken;
  }
  send(make_hello(addresses_, introduction));
  auto greeted = co_await receive_hello();
  if (!greeted) {
    close(greeted.error());
    co_return std::unexpected(*closed_);  // the time-out, if it was that
  }
  greeted_ = true;
  expiry_.cancel();
  parser_.set_frame_bytes_max(kFrameBytesMax);
  co_return greeted;
}

asio::awaitable<std::expected<void, Error>> Link::accept(const Introduction& introduction,
                                                         std::uint64_t deadline_ns) {
  const std::shared_ptr<Link> self = shared_from_this();
  close_at(deadline_ns);
  auto greeted = take_addresses();
  if (greeted) greeted = co_await receive_hello();
  // Our own Hello tells a peer of another version or behind a translation what is wrong; a stranger
  // learns nothing.
  const bool stranger = !greeted && greeted.error().code != Code::kVersionMismatch &&
                        greeted.error().code != Code::kAddressTranslated;
  if (!stranger) send(make_hello(addresses_, introduction));
  if (!greeted) {
    close(greeted.error());
    co_return std::unexpected(*closed_);
  }
  greeted_ = true;
  expiry_.cancel();
  parser_.set_frame_bytes_max(kFrameBytesMax);
  co_return greeted;
}

}  // namespace mapwire::detail
