// The connections of a communication manager and their timers. Setting up connections is rare, so
// this allocates, and what is not found by comm ID is looked for one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "mapwire/nic_fw/cm_connection.h"
#include "mapwire/nic_fw/random_source.h"

namespace mapwire::nic_fw {

class CmTable {
 public:
  // A connection with a fresh comm ID and id. It stays where it is until it is erased.
  CmConnection& add(const RandomSource& random);
  void erase(const CmConnection& connection);

  // Null if there is none, or it has ended for the application.
  CmConnection* find(CmId id);
  // By the comm ID that we gave; the messages about it come along `path` alone.
  CmConnection* find(std::uint32_t local_comm_id, const CmPath& path);

  // The first in the order of comm IDs for which `matches`; null if there is none.
  template <class Predicate>
  CmConnection* find_if(Predicate matches) {
    for (auto& [comm_id, connection] : connections_) {
      if (matches(connection)) return &connection;
    }
    return nullptr;
  }
  template <class Predicate>
  std::size_t count_if(Predicate matches) const {
    std::size_t count = 0;
    for (const auto& [comm_id, connection] : connections_) count += matches(connection) ? 1 : 0;
    return count;
  }
  std::size_t size() const { return connections_.size(); }

  // (Re)starts the timer of a connection. UINT64_MAX stops it.
  void arm(CmConnection& connection, std::uint64_t deadline_ns);
  std::uint64_t first_deadline_ns() const {
    return timers_.empty() ? UINT64_MAX : timers_.begin()->first;
  }
  // Precondition: a timer runs.
  CmConnection& first_due() { return connections_.at(timers_.begin()->second); }

 private:
  std::map<std::uint32_t, CmConnection> connections_;         // by local comm ID
  std::set<std::pair<std::uint64_t, std::uint32_t>> timers_;  // deadline, local comm ID
  std::uint64_t added_ = 0;
};

}  // namespace mapwire::nic_fw
