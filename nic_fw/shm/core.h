// What the parts of the transport share. Every function of the data path gets it and a queue pair.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/nic_fw/shm/completions.h"
#include "mapwire/nic_fw/shm/counters.h"
#include "mapwire/nic_fw/shm/queue_pair.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::nic_fw::shm {

struct Core {
  Core(const MemoryTable& memory_table, const Counters& shm_counters)
      : memory{memory_table}, counters{shm_counters} {}

  const MemoryTable& memory;
  Completions completions;
  Counters counters;
  std::unordered_map<Qpn, std::unique_ptr<QueuePair>> queue_pairs;
  QueuePair* last_found = nullptr;
  // Capacities: every queue pair once; twice while those that were ready are served.
  std::vector<QueuePair*> ready;          // the ring had no room for what they have to say
  std::vector<QueuePair*> acknowledging;  // nothing but an acknowledgement is due
  std::vector<QueuePair*> busy;           // with requests under way, or were a while ago
  std::vector<AsyncEvent> failed;

  // A queue pair was added: room for whatever happens to it.
  void reserve();
  // A queue pair goes.
  void forget(const QueuePair& qp);

  QueuePair* find(Qpn qpn) {
    if (last_found != nullptr && last_found->qpn == qpn) return last_found;
    return find_again(qpn);
  }

  void note_ready(QueuePair& qp) { note(ready, qp, qp.is_ready); }
  void note_acknowledging(QueuePair& qp) { note(acknowledging, qp, qp.is_acknowledging); }
  void note_busy(QueuePair& qp) { note(busy, qp, qp.is_busy); }

 private:
  [[gnu::cold, gnu::noinline]] QueuePair* find_again(Qpn qpn) {
    const auto found = queue_pairs.find(qpn);
    if (found == queue_pairs.end()) return nullptr;
    last_found = found->second.get();
    return last_found;
  }

  static void note(std::vector<QueuePair*>& list, QueuePair& qp, bool& is_member) {
    if (is_member) return;
    is_member = true;
    list.push_back(&qp);
  }
};

}  // namespace mapwire::nic_fw::shm
