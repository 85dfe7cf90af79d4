// The queue pairs of an engine by QPN. QPNs are random, so that a stranger can not address a queue
// pair by counting; 0 and 1 belong to management (IBTA 3.5.10).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mapwire/nic_fw/fixed_map.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/nic_fw/random_source.h"

namespace mapwire::nic_fw {

class QueuePairTable {
 public:
  explicit QueuePairTable(std::uint32_t queue_pairs_max);

  bool full() const { return free_.empty(); }
  // Adds `queue_pair` under a fresh QPN and slot, which it gets to know. Precondition: not full().
  QueuePair& add(std::unique_ptr<QueuePair> queue_pair, const RandomSource& random);
  void remove(const QueuePair& queue_pair);

  // Null if there is none.
  QueuePair* find(Qpn qpn) const {
    if (qpn == 0) return nullptr;
    const auto slot = slots_by_qpn_.find(qpn);
    return slot ? slots_[*slot].get() : nullptr;
  }
  // Precondition: the slot is in use.
  QueuePair& at(std::uint32_t slot) const { return *slots_[slot]; }

 private:
  std::vector<std::unique_ptr<QueuePair>> slots_;
  std::vector<std::uint32_t> free_;
  FixedMap slots_by_qpn_;
};

}  // namespace mapwire::nic_fw
