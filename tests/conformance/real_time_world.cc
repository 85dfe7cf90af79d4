#include "tests/conformance/real_time_world.h"

#include <poll.h>

#include <algorithm>

#include "mapwire/runtime/clock.h"

namespace mapwire::conformance {

std::uint64_t RealTimeWorld::now_ns() const { return mapwire::now_ns(); }

void RealTimeWorld::wait(std::uint64_t until_ns) {
  std::array<pollfd, 2> events{};
  for (std::size_t side = 0; side < 2; ++side) {
    events[side] = {.fd = nics_[side]->event_fd(), .events = POLLIN, .revents = 0};
    until_ns = std::min(until_ns, nics_[side]->next_deadline_ns());
  }
  const std::uint64_t now = now_ns();
  const std::uint64_t sleep_ns = until_ns > now ? until_ns - now : 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(sleep_ns / kNanosecondsPerSecond),
                         .tv_nsec = static_cast<long>(sleep_ns % kNanosecondsPerSecond)};
  ::ppoll(events.data(), events.size(), &timeout, nullptr);
}

}  // namespace mapwire::conformance
