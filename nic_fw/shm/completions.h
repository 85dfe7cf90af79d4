// Completions on their way to the caller of poll(): straight into its span while it polls, or by a
// queue. Each request keeps its entry of a work queue until the caller has its completion, so the
// completions that wait never outnumber those entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "mapwire/nic_fw/work_queues.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/lazy_memory.h"

namespace mapwire::nic_fw::shm {

class Completions {
 public:
  // Makes the queue, which a NIC without connections of this wire has no need of, or a longer one.
  // `entries` are those of all work queues together, a power of two.
  void reserve(std::uint32_t entries) {
    if (entries <= queue_.size()) return;
    LazyArray<proto::CompletionEntry> longer{entries};
    std::uint32_t kept = 0;
    while (!empty()) longer[kept++] = pop();
    queue_ = std::move(longer);
    head_ = 0;
    tail_ = kept;
  }

  bool empty() const { return head_ == tail_; }

  // Until close() completions go to `out`; but not before those that wait.
  void open(std::span<proto::CompletionEntry> out) {
    out_ = out;
    used_ = 0;
  }
  // Returns how many went there.
  std::size_t close() {
    out_ = {};
    return used_;
  }

  // Of a request in one of `queues`.
  void push(const proto::CompletionEntry& entry, WorkQueues& queues) {
    if (used_ >= out_.size() || !empty()) {  // none is open, or full
      wait(entry);
      return;
    }
    queues.on_completion(entry.opcode);
    out_[used_++] = entry;
  }

  // The oldest that waits. Precondition: not empty().
  proto::CompletionEntry pop() { return queue_[head_++ & (queue_.size() - 1)]; }

 private:
  // By value: an entry whose address nobody takes is written field by field to where it goes.
  // Copied as a whole it would have to leave the store buffer first, some twenty cycles.
  [[gnu::cold, gnu::noinline]] void wait(proto::CompletionEntry entry) {
    if (tail_ - head_ == queue_.size()) std::abort();
    if (empty()) head_ = tail_ = 0;  // the first pages will do
    queue_[tail_++ & (queue_.size() - 1)] = entry;
  }

  LazyArray<proto::CompletionEntry> queue_;
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
  std::span<proto::CompletionEntry> out_;
  std::size_t used_ = 0;
};

}  // namespace mapwire::nic_fw::shm
