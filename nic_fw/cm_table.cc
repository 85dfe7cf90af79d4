#include "mapwire/nic_fw/cm_table.h"

#include <cstdint>

namespace mapwire::nic_fw {
namespace {

// An id has the comm ID below, and above it what makes it unique.
constexpr unsigned kCommIdBits = 32;

}  // namespace

CmConnection& CmTable::add(const RandomSource& random) {
  std::uint32_t comm_id = 0;
  while (comm_id == 0 || connections_.contains(comm_id)) {
    comm_id = static_cast<std::uint32_t>(random());
  }
  CmConnection& connection = connections_[comm_id];
  connection.local_comm_id = comm_id;
  connection.id = (++added_ << kCommIdBits) | comm_id;
  return connection;
}

void CmTable::erase(const CmConnection& connection) {
  timers_.erase({connection.timer_ns, connection.local_comm_id});
  connections_.erase(connection.local_comm_id);
}

CmConnection* CmTable::find(CmId id) {
  const auto found = connections_.find(static_cast<std::uint32_t>(id));
  if (found == connections_.end()) return nullptr;
  CmConnection& connection = found->second;
  return connection.id == id && connection.held ? &connection : nullptr;
}

CmConnection* CmTable::find(std::uint32_t local_comm_id, const CmPath& path) {
  const auto found = connections_.find(local_comm_id);
  if (found == connections_.end() || found->second.path != path) return nullptr;
  return &found->second;
}

void CmTable::arm(CmConnection& connection, std::uint64_t deadline_ns) {
  timers_.erase({connection.timer_ns, connection.local_comm_id});
  connection.timer_ns = deadline_ns;
  if (deadline_ns != UINT64_MAX) timers_.emplace(deadline_ns, connection.local_comm_id);
}

}  // namespace mapwire::nic_fw
