#include "mapwire/endpoints/detail/wake_descriptor.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <expected>

#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

bool watch(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

timespec to_timespec(std::uint64_t ns) {
  // A century is as good as for ever, and does not overflow anywhere.
  constexpr std::uint64_t kCenturySeconds = 100ULL * 366 * 24 * 3600;
  return {
      .tv_sec = static_cast<time_t>(std::min(ns / kNanosecondsPerSecond, kCenturySeconds)),
      .tv_nsec = static_cast<long>(ns % kNanosecondsPerSecond),
  };
}

}  // namespace

std::expected<WakeDescriptor, Error> WakeDescriptor::create(int nic_event_fd) {
  WakeDescriptor wake;
  wake.epoll_ = UniqueFd{epoll_create1(EPOLL_CLOEXEC)};
  wake.signal_ = UniqueFd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  wake.alarm_ = UniqueFd{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  const int epoll = wake.epoll_.get();
  if (!wake.epoll_ || !wake.signal_ || !wake.alarm_ || !watch(epoll, wake.signal_.get()) ||
      !watch(epoll, wake.alarm_.get()) || (nic_event_fd >= 0 && !watch(epoll, nic_event_fd))) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess, errno,
                                             "event descriptors of the context",
                                             "raise the limit on open files (ulimit -n)"));
  }
  return wake;
}

void WakeDescriptor::signal() {
  if (signalled_) return;
  signalled_ = true;
  const std::uint64_t one = 1;
  if (write(signal_.get(), &one, sizeof(one)) != sizeof(one)) std::abort();  // it holds at most 1
}

void WakeDescriptor::clear() {
  if (!signalled_) return;
  signalled_ = false;
  std::uint64_t count = 0;
  if (read(signal_.get(), &count, sizeof(count)) != sizeof(count)) std::abort();  // it held 1
}

void WakeDescriptor::set_alarm(std::uint64_t deadline_ns) {
  itimerspec alarm{};  // zero: off
  if (deadline_ns != UINT64_MAX)
    alarm.it_value = to_timespec(std::max<std::uint64_t>(deadline_ns, 1));
  timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &alarm, nullptr);
}

void WakeDescriptor::sleep_until(std::uint64_t deadline_ns) const {
  const std::uint64_t now = now_ns();
  const timespec timeout = to_timespec(deadline_ns > now ? deadline_ns - now : 0);
  pollfd descriptor{.fd = epoll_.get(), .events = POLLIN, .revents = 0};
  ppoll(&descriptor, 1, &timeout, nullptr);
}

}  // namespace mapwire::detail
