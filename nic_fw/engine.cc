// The data path's entry points.
#include "mapwire/nic_fw/engine.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/engine_state.h"
#include "mapwire/nic_fw/next_response.h"
#include "mapwire/nic_fw/on_packet.h"
#include "mapwire/nic_fw/retransmit.h"
#include "mapwire/nic_fw/scheduler.h"
#include "mapwire/nic_fw/take_requests.h"

namespace mapwire::nic_fw {
namespace {

// What a queue pair can do by itself after something happened to it.
void carry_on(EngineCore& core, QueuePair& qp) {
  settle(core, qp);
  reschedule(core, qp);
}

void on_queue_pair_time(EngineCore& core, QueuePair& qp) {
  if (core.now_ns >= qp.take_again_at_ns) {
    qp.take_again_at_ns = UINT64_MAX;
    if (qp.state == QueuePairState::kError) drain_rings(core, qp, Code::kFlushed);
  }
  on_requester_time(core, qp);
  carry_on(core, qp);
}

}  // namespace

void Engine::on_send_doorbell(Qpn qpn, std::uint64_t now_ns) {
  state_->set_time(now_ns);
  QueuePair* qp = state_->queue_pairs.find(qpn);
  if (qp == nullptr) return;
  if (qp->state == QueuePairState::kError) drain_rings(*state_, *qp, Code::kFlushed);
  carry_on(*state_, *qp);
}

void Engine::on_receive_doorbell(Qpn qpn, std::uint64_t now_ns) {
  state_->set_time(now_ns);
  QueuePair* qp = state_->queue_pairs.find(qpn);
  if (qp == nullptr) return;
  if (qp->state == QueuePairState::kError) drain_rings(*state_, *qp, Code::kFlushed);
  if (qp->state == QueuePairState::kConnected) advertise_receives(*qp);
  carry_on(*state_, *qp);
}

void Engine::on_packet(const proto::Flow& flow, std::span<const std::byte> bytes,
                       std::uint64_t now_ns) {
  state_->set_time(now_ns);
  QueuePair* qp = deliver(*state_, flow, bytes);
  if (qp != nullptr) carry_on(*state_, *qp);
}

void Engine::on_time(std::uint64_t now_ns) {
  state_->set_time(now_ns);
  TimerQueue& timers = state_->timers;
  while (timers.first_deadline_ns() <= state_->now_ns) {
    QueuePair& qp = state_->queue_pairs.at(timers.first_slot());
    timers.arm(qp.slot, UINT64_MAX);
    on_queue_pair_time(*state_, qp);
  }
}

std::size_t Engine::transmit(std::span<TransmitSlot> slots, bool acknowledge,
                             std::uint64_t now_ns) {
  state_->set_time(now_ns);
  const std::size_t used = transmit_data(*state_, slots);
  if (!acknowledge) return used;
  return used + transmit_acknowledgements(*state_, slots.subspan(used));
}

bool Engine::has_output(bool acknowledge) const {
  return !state_->ready.empty() || (acknowledge && !state_->acknowledging.empty());
}

std::uint64_t Engine::next_deadline_ns() const {
  return state_->clock.to_caller(state_->timers.first_deadline_ns());
}

bool Engine::has_async_events() const { return !state_->failed.empty(); }

std::size_t Engine::poll_async(std::span<AsyncEvent> events) {
  SlotList& failed = state_->failed;
  std::size_t used = 0;
  while (used < events.size() && !failed.empty()) {
    const QueuePair& qp = state_->queue_pairs.at(failed.front());
    events[used++] = {.qpn = qp.qpn, .code = qp.error};
    failed.remove(qp.slot);
  }
  return used;
}

}  // namespace mapwire::nic_fw
