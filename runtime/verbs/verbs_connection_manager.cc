#include "mapwire/runtime/verbs/verbs_connection_manager.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "mapwire/runtime/socket_address.h"
#include "mapwire/runtime/verbs/failures.h"

namespace mapwire::verbs {
namespace {

// Requests that the kernel keeps for a listener which does not look.
constexpr int kBacklog = 128;

std::unexpected<Error> invalid(std::string_view what, std::string_view next) {
  return std::unexpected(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                                     fmt::format("rdma:// connection: {}; {}", what, next)));
}

std::expected<void, Error> check_private_data(std::size_t bytes, std::size_t max) {
  if (bytes <= max) return {};
  return invalid(fmt::format("{} bytes of private data, and {} fit", bytes, max),
                 "send the rest in a message");
}

}  // namespace

std::expected<void, Error> VerbsConnectionManager::open_channel() {
  if (channel_) return {};
  CmChannelHandle channel{rdma_create_event_channel()};
  if (!channel) return std::unexpected(manager_refused(errno));
  if (!events_.watch(channel->fd)) {
    return std::unexpected(object_refused(device_, "connection manager's channel", errno));
  }
  channel_ = std::move(channel);
  return {};
}

std::expected<CmIdHandle, Error> VerbsConnectionManager::make_id() {
  if (auto opened = open_channel(); !opened) return std::unexpected(opened.error());
  rdma_cm_id* id = nullptr;
  if (rdma_create_id(channel_.get(), &id, nullptr, RDMA_PS_TCP) == 0) return CmIdHandle{id};
  return std::unexpected(object_refused(device_, "connection manager's id", errno));
}

std::expected<void, Error> VerbsConnectionManager::listen(const proto::UdpAddress& service) {
  if (service.port == 0) return invalid("the listener has port 0", "name a port");
  auto id = make_id();
  if (!id) return std::unexpected(id.error());
  SocketAddress address{};
  to_socket_address(service, address);
  if (rdma_bind_addr(id->get(), &address.any) != 0 || rdma_listen(id->get(), kBacklog) != 0) {
    return std::unexpected(address_refused(device_, service, errno));
  }
  listeners_.emplace_back(service, std::move(*id));
  return {};
}

void VerbsConnectionManager::stop_listening(const proto::UdpAddress& service) {
  std::erase_if(listeners_, [&](const auto& listener) { return listener.first == service; });
}

std::expected<CmId, Error> VerbsConnectionManager::connect(const CmConnect& request,
                                                           std::uint64_t /*now_ns*/) {
  if (auto fits = check_private_data(request.private_data.size(), kCmRequestPrivateBytes); !fits) {
    return std::unexpected(fits.error());
  }
  auto id = make_id();
  if (!id) return std::unexpected(id.error());
  SocketAddress local{};
  SocketAddress remote{};
  to_socket_address({.ip = request.local, .port = 0}, local);
  to_socket_address(request.service, remote);
  if (rdma_resolve_addr(id->get(), &local.any, &remote.any, kResolveMs) != 0) {
    return std::unexpected(
        address_refused(device_, {.ip = request.local, .port = request.service.port}, errno));
  }
  ++setting_up_;
  Connection& connection = connections_[next_id_];
  connection.handle = std::move(*id);
  connection.qpn = request.queue_pair.qpn;
  connection.private_data.assign(request.private_data.begin(), request.private_data.end());
  connection.deadline_ns = request.deadline_ns;
  return next_id_++;
}

std::expected<void, Error> VerbsConnectionManager::accept(CmId id, const CmAccept& answer,
                                                          std::uint64_t /*now_ns*/) {
  if (auto fits = check_private_data(answer.private_data.size(), kCmReplyPrivateBytes); !fits) {
    return fits;
  }
  const auto found = connections_.find(id);
  if (found == connections_.end()) return invalid("the request has ended", "its event says why");
  Connection& connection = found->second;
  rdma_conn_param with =
      parameters(answer.queue_pair.qpn, answer.private_data, connection.reads_of_peer);
  if (rdma_accept(connection.handle.get(), &with) != 0) {
    return std::unexpected(object_refused(device_, "answer of the connection manager", errno));
  }
  connection.requested = false;
  return {};
}

// The kernel's words for why we refuse are always those of an application.
void VerbsConnectionManager::reject(CmId id, CmRefusal /*reason*/, std::uint64_t now_ns) {
  disconnect(id, now_ns);
}

void VerbsConnectionManager::establish(CmId id, std::uint64_t /*now_ns*/) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  set_up_is_over(found->second);
  rdma_establish(found->second.handle.get());
}

void VerbsConnectionManager::disconnect(CmId id, std::uint64_t /*now_ns*/) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (connection.requested) rdma_reject(connection.handle.get(), nullptr, 0);
  if (connection.connected) rdma_disconnect(connection.handle.get());
  set_up_is_over(connection);
  connections_.erase(found);
  std::erase_if(news_, [id](const CmEvent& event) { return event.id == id; });
}

rdma_conn_param VerbsConnectionManager::parameters(Qpn qpn, std::span<const std::byte> private_data,
                                                   std::uint32_t reads_of_peer) const {
  constexpr std::uint8_t kRepeats = 7;  // and for ever, as RNR retries: our deadlines end them
  rdma_conn_param result{};
  result.private_data = private_data.data();
  result.private_data_len = static_cast<std::uint8_t>(private_data.size());
  result.responder_resources = static_cast<std::uint8_t>(read_atomic_max_);
  result.initiator_depth = static_cast<std::uint8_t>(std::min(reads_of_peer, read_atomic_max_));
  result.retry_count = kRepeats;
  result.rnr_retry_count = kRepeats;
  result.qp_num = qpn;
  return result;
}

// Idempotent.
void VerbsConnectionManager::set_up_is_over(Connection& connection) {
  if (connection.deadline_ns != UINT64_MAX) --setting_up_;
  connection.deadline_ns = UINT64_MAX;
}

std::size_t VerbsConnectionManager::poll_events(std::span<CmEvent> events) {
  const std::size_t count = std::min(events.size(), news_.size());
  std::copy_n(news_.begin(), count, events.begin());
  news_.erase(news_.begin(), news_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

std::uint64_t VerbsConnectionManager::next_deadline_ns() const {
  if (!news_.empty()) return 0;
  std::uint64_t first_ns = UINT64_MAX;
  if (setting_up_ == 0) return first_ns;
  for (const auto& [id, connection] : connections_) {
    first_ns = std::min(first_ns, connection.deadline_ns);
  }
  return first_ns;
}

}  // namespace mapwire::verbs
