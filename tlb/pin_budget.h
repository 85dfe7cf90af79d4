// How much memory a context may hold pinned, and how much it does.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/runtime/counters.h"

namespace mapwire::tlb {

struct PinLimits {
  std::size_t bytes = SIZE_MAX;
  std::size_t regions = SIZE_MAX;
};

// What a process may pin when nobody says otherwise: RLIMIT_MEMLOCK less an eighth, which others in
// the process may want, unless it may exceed the limit (CAP_IPC_LOCK), and half of the memory
// there is; half of the regions of the device.
PinLimits default_pin_limits(std::size_t device_regions);

class PinBudget {
 public:
  // `bytes` and `regions` show what is pinned.
  PinBudget(const PinLimits& limits, Counter bytes, Counter regions)
      : limits_{limits}, shown_bytes_{bytes}, shown_regions_{regions} {}

  const PinLimits& limits() const { return limits_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t receive_bytes() const { return receive_bytes_; }
  // Whether a region of so many bytes has room and leaves `left` bytes. Receives have half of the
  // bytes.
  bool fits(std::size_t bytes, bool receive, std::size_t left) const {
    const std::size_t free = limits_.bytes - bytes_;
    return free >= left && bytes <= free - left && regions_ < limits_.regions &&
           (!receive || bytes <= limits_.bytes / 2 - receive_bytes_);
  }
  // Precondition: it fits.
  void charge(std::size_t bytes, bool receive) {
    bytes_ += bytes;
    ++regions_;
    if (receive) receive_bytes_ += bytes;
    shown_bytes_.add(bytes);
    shown_regions_.add(1);
  }
  void refund(std::size_t bytes, bool receive) {
    bytes_ -= bytes;
    --regions_;
    if (receive) receive_bytes_ -= bytes;
    shown_bytes_.add(std::size_t{0} - bytes);
    shown_regions_.add(UINT64_MAX);  // one less
  }

 private:
  PinLimits limits_;
  Counter shown_bytes_;
  Counter shown_regions_;
  std::size_t bytes_ = 0;
  std::size_t receive_bytes_ = 0;
  std::size_t regions_ = 0;
};

}  // namespace mapwire::tlb
