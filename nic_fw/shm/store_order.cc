#include "mapwire/nic_fw/shm/store_order.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mapwire::nic_fw::shm {
namespace {

bool membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

bool orders_stores_of_peers() {
  static const bool kRegistered = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) &&
                                  membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
  return kRegistered;
}

void order_stores_of_all() {
  if (orders_stores_of_peers() && membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED)) return;
  order_own_store(false);
}

}  // namespace mapwire::nic_fw::shm
