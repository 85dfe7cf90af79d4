// Before a process sleeps it says so, and looks once more whether something came; who sends writes
// first and then looks whether the receiver sleeps. So that not both miss the other, each must have
// its store out before its load. Sending is frequent and sleeping rare, so the sleeper pays for
// both: membarrier(2) makes the running threads of all processes that registered pass a barrier.
// Where a process may not call it, its peers pay with a fence of their own.
#pragma once

#include <atomic>

namespace mapwire::nic_fw::shm {

// Registers this process the first time. False: it can not order the stores of its peers, who must
// know. Threads: any.
bool orders_stores_of_peers();

// The sleeper, between its store and its load.
void order_stores_of_all();

// The sender, likewise. `peer_orders`: the peer does with order_stores_of_all, and this process is
// registered.
inline void order_own_store(bool peer_orders) {
  if (peer_orders) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    static std::atomic<int> word;  // an exchange is a fence that ThreadSanitizer knows
    word.exchange(0, std::memory_order_seq_cst);
  }
}

}  // namespace mapwire::nic_fw::shm
