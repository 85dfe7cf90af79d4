#include "tools/machine.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "mapwire/endpoints/memory.h"
#include "mapwire/runtime/options.h"

namespace mapwire::tools {
namespace {

constexpr std::uint16_t kRocePort = 4791;

// The errno of binding a UDP socket to `port`; 0 if it works.
int try_port(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  const int failure = bind(fd, any, sizeof(address)) == 0 ? 0 : errno;
  close(fd);
  return failure;
}

// Whoever has CAP_IPC_LOCK is not held to the limit.
bool may_lock_anything() {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;) {
    if (word != "CapEff:") continue;
    std::uint64_t effective = 0;
    status >> std::hex >> effective;
    return (effective >> CAP_IPC_LOCK & 1) != 0;
  }
  return false;
}

std::string tlb_obstacle() {
  const auto options = Options::from_environment();
  return options && options->tlb_off ? "MAPWIRE_TLB is off" : obstacle_to_keeping_memory();
}

std::uint64_t memlock_limit() {
  rlimit limit{};
  const bool known = getrlimit(RLIMIT_MEMLOCK, &limit) == 0;
  if (may_lock_anything() || (known && limit.rlim_cur == RLIM_INFINITY)) return kUnlimited;
  return known ? limit.rlim_cur : 0;
}

}  // namespace

Machine this_machine() {
  utsname system{};
  uname(&system);
  return {.kernel = system.release,
          .memlock_bytes = memlock_limit(),
          .tlb_obstacle = tlb_obstacle(),
          .udp_errno = try_port(0),
          .roce_port_errno = try_port(kRocePort)};
}

}  // namespace mapwire::tools
