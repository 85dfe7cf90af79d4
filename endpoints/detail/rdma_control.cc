#include "mapwire/endpoints/detail/rdma_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/rdma_errors.h"
#include "mapwire/endpoints/detail/system_random.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/log.h"

namespace mapwire::detail {
namespace {

using asio::ip::tcp;

// Ports of listeners that let us choose: IANA's dynamic ones.
constexpr std::uint16_t kDynamicPortMin = 49'152;
constexpr std::uint16_t kDynamicPorts = 16'384;

}  // namespace

template <class Function>
auto RdmaControl::with_manager(Function function)
    -> decltype(function(std::declval<ConnectionManager&>())) {
  const std::lock_guard guard{path_->lock()};
  if (path_->nic() == nullptr) return std::unexpected(context_gone());
  ConnectionManager* manager = path_->nic()->connection_manager();
  if (manager == nullptr) return std::unexpected(no_manager(path_->attributes().name));
  auto result = function(*manager);
  path_->after_post();  // a timer of its may run now
  return result;
}

template <class Function>
void RdmaControl::tell_manager(Function function) {
  const std::lock_guard guard{path_->lock()};
  if (path_->nic() == nullptr) return;
  if (ConnectionManager* manager = path_->nic()->connection_manager()) function(*manager);
  path_->after_post();
}

asio::awaitable<RdmaControl::EndpointResult> RdmaControl::connect(RdmaConnect wanted) {
  if (down_) co_return std::unexpected(context_gone());  // nothing would ever answer it
  auto endpoint = Endpoint::Impl::open(path_, wanted.options, wanted.local, wanted.service.ip,
                                       PeerMake::kForeign);
  if (!endpoint) co_return endpoint;
  const QueuePairAddress& own = (*endpoint)->address();
  const CmConnect request{.local = wanted.local,
                          .service = wanted.service,
                          .queue_pair = own,
                          .path_mtu = own.path_mtu_max,
                          .private_data = wanted.options.private_data,
                          .deadline_ns = wanted.deadline_ns};
  const auto id =
      with_manager([&](ConnectionManager& manager) { return manager.connect(request, now_ns()); });
  if (!id) {
    (*endpoint)->close();
    co_return std::unexpected(id.error());
  }
  (*endpoint)->set_cm_id(*id);
  const auto answered =
      std::make_shared<asio::steady_timer>(io_, asio::steady_timer::time_point::max());
  connections_[*id] = {
      .endpoint = *endpoint, .answered = answered, .answer = {}, .acceptor = {}, .request = {}};
  co_await wait_for(*answered);
  Connection connection = connections_.at(*id);
  if (connection.answer && connection.answer->kind == CmEventKind::kReply) {
    co_return finish(wanted, *id, std::move(connection));
  }
  connections_.erase(*id);
  (*endpoint)->close();
  if (!connection.answer) co_return std::unexpected(context_gone());
  co_return std::unexpected(connect_error(*connection.answer, wanted.service));
}

// The peer has accepted: its queue pair is connected already.
RdmaControl::EndpointResult RdmaControl::finish(const RdmaConnect& wanted, CmId id,
                                                Connection connection) {
  Endpoint::Impl& endpoint = *connection.endpoint;
  const std::uint32_t path_mtu = connection.answer->path_mtu;
  auto connected = check_path_mtu(path_mtu, endpoint.address().path_mtu_max);
  if (connected) {
    connected = endpoint.connect(cm_peer(endpoint.address(), *connection.answer), {});
  }
  if (!connected || !activate(endpoint, *connection.answer, kCmReplyPrivateBytes)) {
    connections_.erase(id);
    endpoint.close();
    return std::unexpected(connected ? ended_in_set_up(wanted.service) : connected.error());
  }
  const auto established =
      with_manager([&](ConnectionManager& manager) -> std::expected<void, Error> {
        manager.establish(id, now_ns());
        return {};
      });
  if (!established) return std::unexpected(established.error());
  counters_.connections_set_up.add();
  return connection.endpoint;
}

bool RdmaControl::activate(Endpoint::Impl& endpoint, const CmEvent& event,
                           std::size_t private_bytes) {
  const auto data = std::span{event.private_data}.first(private_bytes);
  const bool active =
      endpoint.activate({.udp = event.peer.udp, .path_mtu = event.path_mtu, .version = {}},
                        {data.begin(), data.end()});
  if (!active) return false;
  const EndpointInfo info = endpoint.info();
  log(LogLevel::kInfo, "connection {} -> {} by rdma_cm: NIC {} over {} ({}), path MTU {}",
      info.local, info.remote, info.nic, info.wire, info.reason, info.path_mtu);
  return true;
}

std::expected<std::vector<tcp::endpoint>, Error> RdmaControl::listen(
    std::vector<tcp::endpoint> addresses, const std::shared_ptr<Acceptor>& acceptor) {
  if (acceptor->options().private_data.size() > kCmReplyPrivateBytes) {
    return std::unexpected(private_data_too_long(acceptor->options().private_data.size()));
  }
  if (addresses.front().port() == 0) {
    const auto offset = static_cast<std::uint16_t>(system_random() % kDynamicPorts);
    for (tcp::endpoint& address : addresses) {
      address.port(static_cast<std::uint16_t>(kDynamicPortMin + offset));
    }
  }
  std::vector<tcp::endpoint> listening;
  const auto result = listen_at(addresses, acceptor, listening);
  if (listening.empty()) return std::unexpected(result.error());
  return listening;
}

// Answers the first error.
std::expected<void, Error> RdmaControl::listen_at(const std::vector<tcp::endpoint>& addresses,
                                                  const std::shared_ptr<Acceptor>& acceptor,
                                                  std::vector<tcp::endpoint>& listening) {
  std::expected<void, Error> result;
  for (const tcp::endpoint& address : addresses) {
    const proto::UdpAddress service = to_address(address);
    auto listened =
        with_manager([&](ConnectionManager& manager) { return manager.listen(service); });
    if (listened) {
      listeners_.emplace_back(service, acceptor);
      listening.push_back(address);
      continue;
    }
    if (addresses.size() > 1) {
      log(LogLevel::kWarn, "listener rdma://{}: {}", proto::to_string(service),
          listened.error().message);
    }
    if (result) result = std::move(listened);
  }
  return result;
}

void RdmaControl::stop_listening(const std::shared_ptr<Acceptor>& acceptor) {
  std::erase_if(listeners_, [&](const auto& listener) {
    if (listener.second != acceptor) return false;
    tell_manager([&](ConnectionManager& manager) { manager.stop_listening(listener.first); });
    return true;
  });
}

void RdmaControl::on_event(const CmEvent& event) {
  if (down_) return;
  switch (event.kind) {
    case CmEventKind::kRequest: on_request(event); return;
    case CmEventKind::kReply: {
      const auto found = connections_.find(event.id);
      if (found == connections_.end()) return;  // given up meanwhile
      found->second.answer = event;
      found->second.answered->cancel();
      return;
    }
    case CmEventKind::kEstablished: on_established(event.id); return;
    case CmEventKind::kRejected:
    case CmEventKind::kTimedOut:
    case CmEventKind::kDisconnected: on_ended(event); return;
  }
}

void RdmaControl::on_request(const CmEvent& event) {
  const auto listener =
      std::ranges::find(listeners_, event.service, &decltype(listeners_)::value_type::first);
  std::expected<void, Error> accepted;
  if (listener == listeners_.end() || listener->second->backlog() >= kBacklogMax) {
    accepted = std::unexpected(backlog_full(event.service));
  } else {
    accepted = accept(event, listener->second);
  }
  if (accepted) return;
  counters_.set_ups_failed.add();
  log(LogLevel::kWarn, "listener rdma://{}: connection from {}: {}",
      proto::to_string(event.service), proto::to_string(event.peer.udp.ip),
      accepted.error().message);
  const auto reason = accepted.error().code == Code::kMtuMismatch ? CmRefusal::kInvalidPathMtu
                                                                  : CmRefusal::kNoResources;
  tell_manager([&](ConnectionManager& manager) { manager.reject(event.id, reason, now_ns()); });
}

std::expected<void, Error> RdmaControl::accept(const CmEvent& event,
                                               const std::shared_ptr<Acceptor>& acceptor) {
  EndpointOptions options = acceptor->options();
  options.profile = Profile::kPlain;
  auto opened =
      Endpoint::Impl::open(path_, options, event.service.ip, event.peer.udp.ip, PeerMake::kForeign);
  if (!opened) return std::unexpected(opened.error());
  const std::shared_ptr<Endpoint::Impl> endpoint = std::move(*opened);
  const QueuePairAddress& own = endpoint->address();
  auto result = check_path_mtu(event.path_mtu, own.path_mtu_max);
  if (result) result = endpoint->connect(cm_peer(own, event), {});
  if (result) {
    result = with_manager([&](ConnectionManager& manager) {
      return manager.accept(event.id, {.queue_pair = own, .private_data = options.private_data},
                            now_ns());
    });
  }
  if (!result) {
    endpoint->close();
    return result;
  }
  endpoint->set_cm_id(event.id);
  connections_[event.id] = {
      .endpoint = endpoint, .answered = {}, .answer = {}, .acceptor = acceptor, .request = event};
  return {};
}

void RdmaControl::on_established(CmId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  const std::shared_ptr<Acceptor> acceptor = std::exchange(connection.acceptor, nullptr);
  const std::shared_ptr<Endpoint::Impl> endpoint = connection.endpoint;
  if (!activate(*endpoint, connection.request, kCmRequestPrivateBytes)) {
    connections_.erase(found);
    endpoint->close();
    return;
  }
  counters_.connections_set_up.add();
  acceptor->deliver(endpoint);
}

// An end before the beginning is a failed set-up, an end after it is the peer's good-bye.
void RdmaControl::on_ended(const CmEvent& event) {
  const auto found = connections_.find(event.id);
  if (found == connections_.end()) return;
  if (found->second.answered != nullptr && !found->second.answer) {
    found->second.answer = event;
    found->second.answered->cancel();
    return;
  }
  const Connection connection = std::move(found->second);
  connections_.erase(found);
  if (connection.acceptor != nullptr) {
    counters_.set_ups_failed.add();
    connection.endpoint->close();
  } else {
    connection.endpoint->fail(disconnected(event.peer.udp), Code::kPeerClosed);
  }
}

void RdmaControl::on_endpoint_ended(EndpointId id) {
  std::erase_if(connections_, [&](const auto& entry) {
    const Connection& connection = entry.second;
    const bool connecting = connection.answered != nullptr && !connection.answer;
    return connection.endpoint->id() == id && !connecting;  // connect() takes that one out
  });
}

void RdmaControl::shut_down() {
  down_ = true;
  for (auto& [id, connection] : connections_) {
    if (connection.answered != nullptr) connection.answered->cancel();
  }
  listeners_.clear();
}

}  // namespace mapwire::detail
