#include "mapwire/nic_fw/shm/deadlines.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "mapwire/nic_fw/shm/end.h"

namespace mapwire::nic_fw::shm {
namespace {

// When the wait that began at `since_ns` is over; begins it if it has not begun.
std::uint64_t end_of_wait(std::uint64_t& since_ns, std::uint64_t wait_ns, std::uint64_t now_ns) {
  if (since_ns == 0) since_ns = now_ns;
  return wait_ns > UINT64_MAX - since_ns ? UINT64_MAX : since_ns + wait_ns;
}

// When to look again; nothing that ended waits.
std::uint64_t check_deadline(Core& core, QueuePair& qp, std::uint64_t now_ns) {
  Requester& requester = qp.requester;
  // The pieces of a long message find room because the peer reads those before.
  if (std::exchange(requester.cursor_bytes_seen, requester.cursor_bytes) !=
      requester.cursor_bytes) {
    requester.waits_since_ns = 0;
  }
  const bool not_ready = requester.peer == Peer::kNotReady;
  const std::uint64_t end_ns =
      not_ready ? end_of_wait(requester.not_ready_since_ns, qp.options.rnr_deadline_ns, now_ns)
                : end_of_wait(requester.waits_since_ns, qp.options.deadline_ns, now_ns);
  if (now_ns < end_ns) return end_ns;
  fail_request(core, qp, requester.head,
               not_ready ? Code::kRnrRetryExceeded : Code::kRetryExceeded);
  return UINT64_MAX;
}

}  // namespace

std::uint64_t check_deadlines(Core& core, std::uint64_t now_ns) {
  std::uint64_t next_ns = UINT64_MAX;
  std::size_t kept = 0;
  for (QueuePair* qp : core.busy) {
    qp->is_busy = qp->state == State::kConnected && !qp->requester.idle();
    if (!qp->is_busy) continue;
    next_ns = std::min(next_ns, check_deadline(core, *qp, now_ns));
    core.busy[kept++] = qp;
  }
  core.busy.resize(kept);
  return next_ns;
}

}  // namespace mapwire::nic_fw::shm
