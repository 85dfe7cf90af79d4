#include "mapwire/nic_fw/timer_queue.h"

#include <cstddef>
#include <cstdint>

namespace mapwire::nic_fw {

TimerQueue::TimerQueue(std::uint32_t slots)
    : positions_(slots, kNowhere), deadlines_(slots, UINT64_MAX) {
  heap_.reserve(slots);
}

void TimerQueue::arm(std::uint32_t slot, std::uint64_t deadline_ns) {
  if (deadlines_[slot] == deadline_ns) return;
  deadlines_[slot] = deadline_ns;
  if (deadline_ns == UINT64_MAX) {
    remove(positions_[slot]);
    return;
  }
  if (positions_[slot] == kNowhere) {
    heap_.push_back(slot);
    positions_[slot] = heap_.size() - 1;
  }
  sift_up(positions_[slot]);
  sift_down(positions_[slot]);
}

void TimerQueue::place(std::size_t at, std::uint32_t slot) {
  heap_[at] = slot;
  positions_[slot] = at;
}

void TimerQueue::swap(std::size_t a, std::size_t b) {
  const std::uint32_t slot = heap_[a];
  place(a, heap_[b]);
  place(b, slot);
}

void TimerQueue::sift_up(std::size_t at) {
  while (at > 0 && earlier(at, (at - 1) / 2)) {
    swap(at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

void TimerQueue::sift_down(std::size_t at) {
  while (2 * at + 1 < heap_.size()) {
    std::size_t child = 2 * at + 1;
    if (child + 1 < heap_.size() && earlier(child + 1, child)) ++child;
    if (!earlier(child, at)) return;
    swap(at, child);
    at = child;
  }
}

void TimerQueue::remove(std::size_t at) {
  positions_[heap_[at]] = kNowhere;
  const std::uint32_t last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  place(at, last);
  sift_up(at);
  sift_down(positions_[last]);
}

}  // namespace mapwire::nic_fw
