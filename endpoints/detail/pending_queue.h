// The requests of one queue that the NIC has not completed, oldest first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

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
  explicit PendingQueue(std::size_t entries)
      : capacity_{std::bit_ceil(entries)}, ring_{std::make_unique<PendingRequest[]>(capacity_)} {}

  std::size_t size() const { return tail_ - head_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return head_ == tail_; }
  bool full() const { return size() == capacity_; }
  // The position that the next push takes, and that of the oldest request.
  std::size_t next_position() const { return tail_ & (capacity_ - 1); }
  std::size_t oldest_position() const { return head_ & (capacity_ - 1); }

  // Precondition: not full.
  void push(const PendingRequest& request) {
    ring_[next_position()] = request;
    ++tail_;
  }
  // Aborts if empty: the NIC completed what was never posted.
  PendingRequest pop() {
    if (empty()) std::abort();
    return ring_[head_++ & (capacity_ - 1)];
  }

 private:
  std::size_t capacity_;
  std::unique_ptr<PendingRequest[]> ring_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace mapwire::detail
