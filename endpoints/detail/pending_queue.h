// The requests of one queue that the NIC has not completed, oldest first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/detail/work_cookie.h"

namespace mapwire::detail {

struct PendingRequest {
  std::uint64_t cookie = 0;  // the user's
  Operation operation = Operation::kSend;
  WorkKind kind = WorkKind::kSend;
  std::optional<std::uint32_t> region{};  // lkey of the region made for this request alone
};

// A ring of a fixed number of requests. Each has a position, which also names its slot of message
// memory: a position is used again only after its request completed.
//
// Threads: guarded by the context's lock.
class PendingQueue {
 public:
  // Holds `entries` requests or a few more.
  explicit PendingQueue(std::size_t entries) : ring_(std::bit_ceil(entries)) {}

  std::size_t size() const { return tail_ - head_; }
  std::size_t capacity() const { return ring_.size(); }
  bool empty() const { return head_ == tail_; }
  bool full() const { return size() == ring_.size(); }
  // The position that the next push takes, and that of the oldest request.
  std::size_t next_position() const { return tail_ & (ring_.size() - 1); }
  std::size_t oldest_position() const { return head_ & (ring_.size() - 1); }

  // Precondition: not full.
  void push(const PendingRequest& request) { ring_[tail_++ & (ring_.size() - 1)] = request; }
  // Aborts if empty: the NIC completed what was never posted.
  PendingRequest pop() {
    if (empty()) std::abort();
    return ring_[head_++ & (ring_.size() - 1)];
  }

 private:
  std::vector<PendingRequest> ring_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace mapwire::detail
