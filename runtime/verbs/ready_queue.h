// Completions that were taken from the device, or made here, and wait for the caller.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/verbs/queue_pair.h"

namespace mapwire::verbs {

// A ring as large as the completion queue: every completion in it holds an entry of a queue, and
// the entries of all queues together never outnumber those.
class ReadyQueue {
 public:
  explicit ReadyQueue(std::size_t entries) : ring_(std::bit_ceil(entries)) {}

  bool empty() const { return head_ == tail_; }
  void push(const proto::CompletionEntry& completion, QueuePair& pair, bool is_receive) {
    if (tail_ - head_ == ring_.size()) std::abort();
    at(tail_++) = {completion, &pair, is_receive};
  }
  // Precondition: not empty.
  proto::CompletionEntry pop() {
    const Ready& ready = at(head_++);
    if (ready.pair != nullptr) ready.pair->queue(ready.is_receive).on_completion_taken();
    return ready.completion;
  }
  // The queue pair goes; its completions stay.
  void forget(const QueuePair& pair) {
    for (std::size_t i = head_; i != tail_; ++i) {
      if (at(i).pair == &pair) at(i).pair = nullptr;
    }
  }

 private:
  struct Ready {
    proto::CompletionEntry completion;
    QueuePair* pair = nullptr;
    bool is_receive = false;
  };
  Ready& at(std::size_t position) { return ring_[position & (ring_.size() - 1)]; }

  std::vector<Ready> ring_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace mapwire::verbs
