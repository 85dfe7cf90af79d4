// Messages that arrive over a control link.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/link.h"
#include "mapwire/endpoints/detail/set_up_messages.h"

namespace mapwire::detail {
namespace {

using proto::control::Message;

constexpr std::size_t kReadBytes = 4096;
// A set-up has one message of the peer to come at a time, and a Disconnect.
constexpr std::size_t kInboxMax = 4;

Error lost(const LinkAddresses& addresses) {
  return Error::make(Code::kPeerDead, ErrorScope::kEndpoint,
                     fmt::format("peer {}: its process ended; start it and connect again",
                                 proto::to_string(addresses.remote)));
}

Error no_message(const LinkAddresses& addresses) {
  return Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                     fmt::format("peer {}: sent what is no message of ours here; check that it is "
                                 "mapwire of this version",
                                 proto::to_string(addresses.remote)));
}

std::uint32_t connection_of(const Message& message) {
  return message.has_connect_reply() ? message.connect_reply().connection()
                                     : message.probe_result().connection();
}

}  // namespace

asio::awaitable<std::expected<Message, Error>> Link::read_message() {
  std::array<std::byte, kReadBytes> bytes{};
  for (;;) {
    auto message = parser_.next();
    if (message) co_return std::move(*message);
    if (message.error() != Code::kWouldBlock) co_return std::unexpected(no_message(addresses_));
    asio::error_code failure;
    const std::size_t count = co_await socket_.async_read_some(
        asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    if (closed()) co_return std::unexpected(*closed_);
    if (failure) co_return std::unexpected(lost(addresses_));
    silent_ns_ = 0;
    parser_.feed(std::span{bytes}.first(count));
  }
}

asio::awaitable<void> Link::read_loop([[maybe_unused]] std::shared_ptr<Link> self) {
  while (!closed()) {
    auto message = co_await read_message();
    if (closed()) co_return;
    if (!message) {
      const bool broken = message.error().code == Code::kProtocolError;
      if (broken) counters_.protocol_errors.add();
      if (!broken && !connections_.empty()) counters_.links_lost.add();
      close(message.error());
      co_return;
    }
    if (!dispatch(std::move(*message))) {
      counters_.protocol_errors.add();
      close(no_message(addresses_));
    }
  }
}

// False: no honest peer sends this here.
bool Link::dispatch(Message message) {
  switch (message.kind_case()) {
    case Message::kHello:
    case Message::KIND_NOT_SET: return false;
    case Message::kKeepAlive: return true;
    case Message::kDisconnect: return on_disconnect(message.disconnect());
    case Message::kLease: return on_lease(message.lease());
    case Message::kConnectRequest:
      if (!on_request_) return false;
      on_request_(shared_from_this(), std::move(*message.mutable_connect_request()));
      return true;
    case Message::kConnectReply:
    case Message::kProbeResult: break;
  }
  const auto found = connections_.find(connection_of(message));
  if (found == connections_.end()) return true;  // we have given it up meanwhile
  Connection& connection = found->second;
  if (!connection.in_set_up() || connection.inbox->messages.size() == kInboxMax) return false;
  connection.inbox->messages.push_back(std::move(message));
  connection.inbox->changed.cancel();
  return true;
}

bool Link::on_lease(const proto::control::Lease& message) {
  const auto lease = read_lease(message);
  if (!lease) return false;
  const auto found = connections_.find(message.connection());
  if (found == connections_.end()) return true;
  const std::shared_ptr<Endpoint::Impl> endpoint = found->second.endpoint;
  return endpoint->on_lease(*lease);
}

bool Link::holds_refusal(const Connection& connection) {
  if (!connection.in_set_up()) return false;
  return std::ranges::any_of(connection.inbox->messages, [](const Message& message) {
    return message.has_connect_reply() && message.connect_reply().code() != 0;
  });
}

// What the peer's code means for our requests. If it refused a message of ours, the oldest one is
// to blame; otherwise nothing is known of any.
bool Link::on_disconnect(const proto::control::Disconnect& disconnect) {
  const auto found = connections_.find(disconnect.connection());
  if (found == connections_.end()) return true;
  if (holds_refusal(found->second)) return true;  // set-up is about to read it: it tells why
  const std::shared_ptr<Endpoint::Impl> endpoint = found->second.endpoint;
  const Code code = read_code(disconnect.code());
  const bool refused = code == Code::kReceiveTooSmall || code == Code::kProtocolError;
  const std::string peer = proto::to_string(addresses_.remote);
  if (refused) {
    endpoint->fail(
        Error::make(Code::kRemoteInvalidRequest, ErrorScope::kEndpoint,
                    fmt::format("peer {}: could not take a message ({}); compare what is sent with "
                                "what the peer's receives hold",
                                peer, name(code))),
        Code::kFlushed);
  } else {
    endpoint->fail(Error::make(Code::kPeerClosed, ErrorScope::kEndpoint,
                               fmt::format("peer {}: closed the endpoint ({}); connect again", peer,
                                           name(code))),
                   Code::kPeerClosed);
  }
  remove(disconnect.connection());
  return true;
}

}  // namespace mapwire::detail
