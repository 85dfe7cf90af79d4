#include "mapwire/nic_fw/shm/core.h"

#include <cstddef>

#include "mapwire/runtime/reserve.h"

namespace mapwire::nic_fw::shm {

void Core::reserve() {
  const std::size_t count = queue_pairs.size();
  reserve_doubling(ready, 2 * count);
  reserve_doubling(acknowledging, count);
  reserve_doubling(busy, count);
  reserve_doubling(failed, count);
}

void Core::forget(const QueuePair& qp) {
  for (auto* list : {&ready, &acknowledging, &busy}) std::erase(*list, &qp);
  std::erase_if(failed, [&](const AsyncEvent& event) { return event.qpn == qp.qpn; });
  if (last_found == &qp) last_found = nullptr;
}

}  // namespace mapwire::nic_fw::shm
