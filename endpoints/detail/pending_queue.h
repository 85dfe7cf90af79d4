// The requests of one queue that the NIC has not completed, oldest first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/detail/work_cookie.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/tlb/tlb.h"

namespace mapwire::detail {

inline constexpr tlb::TranslationId kNoTranslation = UINT32_MAX;

struct PendingRequest {
  std::uint64_t cookie = 0;  // the user's
  Operation operation = Operation::kSend;
  WorkKind kind = WorkKind::kSend;
  // It has more translations than one: PendingQueue::gathered() of its position, less one.
  std::uint16_t gathered = 0;
  tlb::TranslationId translation = kNoTranslation;  // of its memory; in use until it completes
};
static_assert(sizeof(PendingRequest) == 16);  // ten thousand endpoints have them

// A ring of a fixed number of requests. Each has a position, which also names its slot of message
// memory: a position is used again only after its request completed.
//
// Threads: guarded by the context's lock.
class PendingQueue {
 public:
  // Of the second and further elements of a request.
  using Gathered = std::array<tlb::TranslationId, proto::kSgeMax - 1>;

  // Holds `entries` requests, fewer than 2^16; with room for gathered() if `gathers`.
  explicit PendingQueue(std::size_t entries, bool gathers)
      : positions_{entries + 1},
        ring_{std::make_unique<PendingRequest[]>(positions_)},
        gathered_{gathers ? std::make_unique<Gathered[]>(positions_) : nullptr} {}

  // One more than requests, as a full ring would look like an empty one.
  std::size_t positions() const { return positions_; }
  bool empty() const { return head_ == tail_; }
  // The position that the next push takes, and that of the oldest request.
  std::size_t next_position() const { return tail_; }
  std::size_t oldest_position() const { return head_; }
  Gathered& gathered(std::size_t position) { return gathered_[position]; }

  // Precondition: it holds fewer requests than it can.
  void push(const PendingRequest& request) {
    ring_[tail_] = request;
    tail_ = after(tail_);
  }
  // Aborts if empty: the NIC completed what was never posted.
  PendingRequest pop() {
    if (empty()) std::abort();
    return ring_[std::exchange(head_, after(head_))];
  }

 private:
  std::size_t after(std::size_t position) const {
    return position + 1 == positions_ ? 0 : position + 1;
  }

  std::size_t positions_;
  std::unique_ptr<PendingRequest[]> ring_;
  std::unique_ptr<Gathered[]> gathered_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace mapwire::detail
