// The work queues of all open queue pairs of a soft NIC: their memory, their rings, and the room
// that they take in the completion queue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <unordered_map>

#include "mapwire/nic_fw/ring_memory.h"
#include "mapwire/nic_fw/work_queues.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::nic_fw {

// Every posted request has room for its completion: the entries of all queues together are never
// more than those of the completion queue, so that it cannot overflow. One thread at a time; find()
// and on_completion() allocate nothing.
class QueueTable {
 public:
  QueueTable(std::uint32_t queue_pairs_max, std::uint32_t completion_entries);

  // Longest send or receive queue: two of them fit, and the rings of one stay within megabytes.
  std::uint32_t queue_entries_max() const {
    return std::min(completion_entries_ / 2, kQueueEntriesMax);
  }
  // Completions that can wait at most, of the queues there are and of those that were removed.
  std::uint32_t completions_max() const { return queue_entries_ + orphaned_completions_; }

  // Queues that belong to no queue pair yet: add() or discard() them.
  struct Queues {
    WorkQueueEnds ends;
    std::span<std::byte> memory;
  };
  // Errors: kInvalidArgument (entries are no powers of two in range), kLimitReached, kOutOfMemory,
  // kSystemCall (no memory for the rings).
  std::expected<Queues, Error> make(const QueuePairOptions& options);
  void add(Qpn qpn, const Queues& queues);
  void discard(const Queues& queues);
  // Another wire serves `qpn`: its queues only count from now on, and other queues get its rings.
  void give_back_rings(Qpn qpn);

  // The queues of an open queue pair, or null.
  WorkQueues* find(Qpn qpn) { return qpn == last_qpn_ ? last_ : find_again(qpn); }
  std::size_t size() const { return open_.size(); }

  // Ends the queues of `qpn`, if there are any. Completions that it left in the completion queue
  // keep their room until on_completions_drained().
  void remove(Qpn qpn);

  // The application took a completion: its queue, if it is still open, has room again.
  void on_completion(const proto::CompletionEntry& completion);
  // The completion queue was found empty.
  void on_completions_drained() { orphaned_completions_ = 0; }

 private:
  static constexpr std::uint32_t kQueueEntriesMax = 32768;

  struct Open {
    WorkQueues queues;
    std::span<std::byte> memory;  // of its rings; empty if it gave them back
  };

  [[gnu::noinline]] WorkQueues* find_again(Qpn qpn);
  std::expected<void, Error> check(const QueuePairOptions& options) const;

  std::uint32_t completion_entries_;
  std::uint32_t queue_entries_ = 0;         // of all queues made and not removed
  std::uint32_t orphaned_completions_ = 0;  // at most so many, of queue pairs that were removed
  RingMemory memory_;
  std::unordered_map<Qpn, Open> open_;
  // Of find(): most programs post to one for a while. 0 is no QPN of a queue pair.
  Qpn last_qpn_ = 0;
  WorkQueues* last_ = nullptr;
};

}  // namespace mapwire::nic_fw
