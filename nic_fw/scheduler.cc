#include "mapwire/nic_fw/scheduler.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/next_request.h"
#include "mapwire/nic_fw/next_response.h"
#include "mapwire/nic_fw/retransmit.h"

namespace mapwire::nic_fw {
namespace {

// A few full packets: short enough to be fair, long enough to keep one queue pair's state cached.
constexpr std::int64_t kQuantumBytes = 16 * 1024;

void set_member(SlotList& list, std::uint32_t slot, bool member) {
  if (member) {
    list.push_back(slot);
  } else {
    list.remove(slot);
  }
}

void count_credit_stall(EngineCore& core, Requester& requester, bool stalled) {
  if (stalled && !requester.credit_stalled) core.counters.credit_stalls.add();
  requester.credit_stalled = stalled;
}

// The armed timer may be too early but never too late: moving it at every packet would cost more
// than one idle call.
void arm_timer(EngineCore& core, const QueuePair& qp) {
  const std::uint64_t deadline_ns = std::min(requester_deadline_ns(qp), qp.take_again_at_ns);
  if (deadline_ns < core.timers.deadline_ns(qp.slot)) core.timers.arm(qp.slot, deadline_ns);
}

// One packet of the queue pair, which has something to send. False if none came of it.
bool put_next(EngineCore& core, QueuePair& qp, TransmitSlot& slot) {
  const bool response = response_due(qp);
  const bool request = send_state(qp) == SendState::kMaySend;
  if (response && (!request || qp.response_turn)) {
    qp.response_turn = false;
    return put_next_response(core, qp, slot);
  }
  qp.response_turn = true;
  if (put_next_request(core, qp, slot)) return true;
  settle(core, qp);
  return false;
}

}  // namespace

void reschedule(EngineCore& core, QueuePair& qp) {
  const SendState state = send_state(qp);
  count_credit_stall(core, qp.requester, state == SendState::kWaitsForCredit);
  const bool ready = state == SendState::kMaySend || response_due(qp);
  set_member(core.ready, qp.slot, ready);
  if (!ready) qp.quantum_bytes = kQuantumBytes;
  set_member(core.acknowledging, qp.slot, acknowledgement_due(qp));
  arm_timer(core, qp);
}

void unschedule(EngineCore& core, const QueuePair& qp) {
  core.ready.remove(qp.slot);
  core.acknowledging.remove(qp.slot);
  core.failed.remove(qp.slot);
  core.timers.arm(qp.slot, UINT64_MAX);
}

std::size_t transmit_data(EngineCore& core, std::span<TransmitSlot> slots) {
  std::size_t used = 0;
  while (used < slots.size() && !core.ready.empty()) {
    QueuePair& qp = core.queue_pairs.at(core.ready.front());
    TransmitSlot& slot = slots[used];
    if (put_next(core, qp, slot)) {
      ++used;
      qp.quantum_bytes -= static_cast<std::int64_t>(slot.used);
    }
    reschedule(core, qp);
    if (qp.quantum_bytes <= 0) {
      qp.quantum_bytes += kQuantumBytes;
      core.ready.remove(qp.slot);
      reschedule(core, qp);
    }
  }
  return used;
}

std::size_t transmit_acknowledgements(EngineCore& core, std::span<TransmitSlot> slots) {
  std::size_t used = 0;
  while (used < slots.size() && !core.acknowledging.empty()) {
    QueuePair& qp = core.queue_pairs.at(core.acknowledging.front());
    put_acknowledgement(core, qp, slots[used++]);
    reschedule(core, qp);
  }
  return used;
}

}  // namespace mapwire::nic_fw
