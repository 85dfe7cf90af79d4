// The requests that a queue of the device holds, oldest first, and those completed that the caller
// has not taken: libibverbs gives back neither cookie nor length, and nothing at all of what is
// reset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "mapwire/proto/code.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::verbs {

struct Request {
  std::uint64_t cookie = 0;
  std::uint64_t bytes = 0;  // of a send; of a receive the completion tells
  proto::WorkOpcode opcode = proto::WorkOpcode::kReceive;
  Code verdict = Code::kOk;  // otherwise: how it ends in its turn, whatever the device says
};

class RequestQueue {
 public:
  // `entries` is a power of two.
  explicit RequestQueue(std::uint32_t entries)
      : ring_{std::make_unique<Request[]>(entries)}, entries_{entries} {}

  std::size_t entries() const { return entries_; }
  // An entry is in use until the caller took the completion of its request.
  bool full() const { return in_use_ == entries_; }
  bool empty() const { return head_ == tail_; }
  std::size_t size() const { return tail_ - head_; }
  // Precondition: not empty.
  Request& oldest() { return at(head_); }

  // Precondition: not full.
  void push(const Request& request) {
    ++in_use_;
    at(tail_++) = request;
  }
  // The oldest, good until the next push. Aborts if empty: the device completed what was never
  // posted.
  const Request& pop() {
    if (empty()) std::abort();
    return at(head_++);
  }
  void on_completion_taken() { --in_use_; }

 private:
  Request& at(std::size_t position) { return ring_[position & (entries_ - 1)]; }

  std::unique_ptr<Request[]> ring_;
  std::size_t entries_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::size_t in_use_ = 0;
};

}  // namespace mapwire::verbs
