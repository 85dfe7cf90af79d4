// What the kernel's connection manager tells.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "mapwire/runtime/verbs/cm_event.h"
#include "mapwire/runtime/verbs/verbs_connection_manager.h"

namespace mapwire::verbs {

void VerbsConnectionManager::progress(std::uint64_t now_ns) {
  if (!channel_) return;
  rdma_cm_event* event = nullptr;
  while (rdma_get_cm_event(channel_.get(), &event) == 0) {
    on_event(*event);
    rdma_ack_cm_event(event);
    ended_.clear();  // waits for the acknowledgement
  }
  if (setting_up_ != 0) time_out(now_ns);
}

VerbsConnectionManager::Connections::iterator VerbsConnectionManager::find(
    const rdma_cm_id* handle) {
  return std::ranges::find_if(
      connections_, [&](const auto& entry) { return entry.second.handle.get() == handle; });
}

void VerbsConnectionManager::on_event(const rdma_cm_event& event) {
  if (event.event == RDMA_CM_EVENT_CONNECT_REQUEST) return on_request(event);
  const auto connection = find(event.id);
  if (connection != connections_.end()) on_step(connection, event);
}

void VerbsConnectionManager::on_step(Connections::iterator connection, const rdma_cm_event& event) {
  rdma_cm_id* const handle = event.id;
  switch (event.event) {
    case RDMA_CM_EVENT_ADDR_RESOLVED:
      if (rdma_resolve_route(handle, kResolveMs) != 0) end(connection, CmEventKind::kTimedOut);
      return;
    case RDMA_CM_EVENT_ROUTE_RESOLVED: {
      rdma_conn_param with =
          parameters(connection->second.qpn, connection->second.private_data, read_atomic_max_);
      if (rdma_connect(handle, &with) != 0) end(connection, CmEventKind::kTimedOut);
      return;
    }
    case RDMA_CM_EVENT_CONNECT_RESPONSE: return on_answer(connection, event);
    case RDMA_CM_EVENT_ESTABLISHED:
      connection->second.connected = true;
      news_.push_back({.kind = CmEventKind::kEstablished, .id = connection->first});
      return;
    case RDMA_CM_EVENT_REJECTED:
      return end(connection, CmEventKind::kRejected, static_cast<std::uint16_t>(event.status));
    case RDMA_CM_EVENT_ADDR_ERROR:
    case RDMA_CM_EVENT_ROUTE_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE:
    case RDMA_CM_EVENT_CONNECT_ERROR: return end(connection, CmEventKind::kTimedOut);
    case RDMA_CM_EVENT_DISCONNECTED:
      rdma_disconnect(handle);  // confirms it
      return end(connection, CmEventKind::kDisconnected);
    case RDMA_CM_EVENT_DEVICE_REMOVAL: return end(connection, CmEventKind::kDisconnected);
    case RDMA_CM_EVENT_CONNECT_REQUEST:
    case RDMA_CM_EVENT_MULTICAST_JOIN:
    case RDMA_CM_EVENT_MULTICAST_ERROR:
    case RDMA_CM_EVENT_ADDR_CHANGE:
    case RDMA_CM_EVENT_TIMEWAIT_EXIT: return;
  }
}

void VerbsConnectionManager::on_request(const rdma_cm_event& event) {
  CmIdHandle handle{event.id};
  auto request = describe_peer(event);
  if (!request) {  // gone again
    ended_.push_back(std::move(handle));
    return;
  }
  request->kind = CmEventKind::kRequest;
  request->id = next_id_++;
  Connection& connection = connections_[request->id];
  connection.handle = std::move(handle);
  connection.reads_of_peer = request->peer.read_atomic_max;
  connection.requested = true;
  news_.push_back(*request);
}

void VerbsConnectionManager::on_answer(Connections::iterator connection,
                                       const rdma_cm_event& event) {
  auto answer = describe_peer(event);
  if (!answer) return end(connection, CmEventKind::kTimedOut);
  answer->kind = CmEventKind::kReply;
  answer->id = connection->first;
  connection->second.connected = true;
  news_.push_back(*answer);
}

void VerbsConnectionManager::end(Connections::iterator connection, CmEventKind kind,
                                 std::uint16_t reject_reason) {
  CmEvent event{.kind = kind, .id = connection->first, .reject_reason = reject_reason};
  set_up_is_over(connection->second);
  ended_.push_back(std::move(connection->second.handle));
  connections_.erase(connection);
  news_.push_back(event);
}

void VerbsConnectionManager::time_out(std::uint64_t now_ns) {
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto connection = next++;
    if (connection->second.deadline_ns <= now_ns) end(connection, CmEventKind::kTimedOut);
  }
  ended_.clear();
}

}  // namespace mapwire::verbs
