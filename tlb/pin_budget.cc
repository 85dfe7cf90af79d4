#include "mapwire/tlb/pin_budget.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace mapwire::tlb {
namespace {

bool may_exceed_memlock() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  return ::syscall(SYS_capget, &header, sets.data()) == 0 &&
         (sets[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0;
}

std::size_t memlock_share() {
  constexpr std::size_t kReserve = 8;
  rlimit limit{};
  if (may_exceed_memlock() || ::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return SIZE_MAX;
  }
  return limit.rlim_cur - limit.rlim_cur / kReserve;
}

std::size_t memory_share() {
  constexpr std::size_t kShare = 2;
  struct sysinfo machine{};
  if (::sysinfo(&machine) != 0) return SIZE_MAX;
  return machine.totalram * machine.mem_unit / kShare;
}

}  // namespace

PinLimits default_pin_limits(std::size_t device_regions) {
  return {.bytes = std::min(memlock_share(), memory_share()),
          .regions = std::max<std::size_t>(device_regions / 2, 1)};
}

}  // namespace mapwire::tlb
