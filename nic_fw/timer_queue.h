// One timer per queue pair slot: an indexed binary heap that never allocates after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mapwire::nic_fw {

class TimerQueue {
 public:
  explicit TimerQueue(std::uint32_t slots);

  // (Re)arms the timer of `slot`. UINT64_MAX disarms it.
  void arm(std::uint32_t slot, std::uint64_t deadline_ns);
  // When the timer of `slot` is due; UINT64_MAX if it does not run.
  std::uint64_t deadline_ns(std::uint32_t slot) const { return deadlines_[slot]; }

  // When the first timer is due; UINT64_MAX if none runs.
  std::uint64_t first_deadline_ns() const {
    return heap_.empty() ? UINT64_MAX : deadlines_[heap_.front()];
  }
  // The slot of the first timer. Precondition: one runs.
  std::uint32_t first_slot() const { return heap_.front(); }

 private:
  void place(std::size_t at, std::uint32_t slot);
  void sift_up(std::size_t at);
  void sift_down(std::size_t at);
  void remove(std::size_t at);
  bool earlier(std::size_t a, std::size_t b) const {
    return deadlines_[heap_[a]] < deadlines_[heap_[b]];
  }
  void swap(std::size_t a, std::size_t b);

  static constexpr std::size_t kNowhere = SIZE_MAX;
  std::vector<std::uint32_t> heap_;       // slots, the earliest first
  std::vector<std::size_t> positions_;    // slot -> index in heap_
  std::vector<std::uint64_t> deadlines_;  // slot -> deadline
};

}  // namespace mapwire::nic_fw
