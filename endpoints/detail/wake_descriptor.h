// What a thread of the application sleeps on: the NIC's event descriptor and a signal that others
// give, behind one epoll descriptor.
#pragma once

#include <cstdint>
#include <expected>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::detail {

// Threads: sleep_until() any; the rest is guarded by the context's lock.
class WakeDescriptor {
 public:
  // Errors: kSystemCall (no descriptors).
  static std::expected<WakeDescriptor, Error> create(int nic_event_fd);

  // The epoll descriptor: readable while the NIC has packets, a signal was not cleared or the alarm
  // went off.
  int fd() const { return epoll_.get(); }

  // Makes fd() readable until clear().
  void signal();
  void clear();
  bool signalled() const { return signalled_; }

  // Makes fd() readable at `deadline_ns` (UINT64_MAX: never), once. 0 and instants that have passed
  // mean at once.
  void set_alarm(std::uint64_t deadline_ns);

  // Sleeps until fd() is readable or `deadline_ns` has passed (or a signal handler ran).
  void sleep_until(std::uint64_t deadline_ns) const;

 private:
  WakeDescriptor() = default;

  UniqueFd epoll_;
  UniqueFd signal_;
  UniqueFd alarm_;
  bool signalled_ = false;
};

}  // namespace mapwire::detail
