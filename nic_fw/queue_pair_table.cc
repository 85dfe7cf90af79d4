#include "mapwire/nic_fw/queue_pair_table.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

QueuePairTable::QueuePairTable(std::uint32_t queue_pairs_max)
    : slots_(queue_pairs_max), slots_by_qpn_{queue_pairs_max} {
  free_.reserve(queue_pairs_max);
  for (std::uint32_t slot = queue_pairs_max; slot > 0; --slot) free_.push_back(slot - 1);
}

QueuePair& QueuePairTable::add(std::unique_ptr<QueuePair> queue_pair, const RandomSource& random) {
  do {
    queue_pair->qpn = static_cast<Qpn>(random()) & proto::kQpnMask;
  } while (queue_pair->qpn <= 1 || find(queue_pair->qpn) != nullptr);
  queue_pair->slot = free_.back();
  free_.pop_back();
  slots_by_qpn_.insert(queue_pair->qpn, queue_pair->slot);
  QueuePair& added = *queue_pair;
  slots_[added.slot] = std::move(queue_pair);
  return added;
}

void QueuePairTable::remove(const QueuePair& queue_pair) {
  const std::uint32_t slot = queue_pair.slot;
  slots_by_qpn_.erase(queue_pair.qpn);
  slots_[slot].reset();
  free_.push_back(slot);
}

}  // namespace mapwire::nic_fw
