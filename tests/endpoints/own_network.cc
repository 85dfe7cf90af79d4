#include "tests/endpoints/own_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "mapwire/runtime/unique_fd.h"

namespace mapwire::testing {
namespace {

bool set_loopback_up() {
  const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_UP;
  return fd && ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

bool enter() {
  // A user namespace needs a process of one thread, so it is only tried where root is missing.
  const bool moved = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  return moved && set_loopback_up();
}

}  // namespace

bool enter_own_network() {
  static const bool kEntered = enter();
  return kEntered;
}

}  // namespace mapwire::testing
