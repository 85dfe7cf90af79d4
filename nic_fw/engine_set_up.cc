// The control path: queue pairs and memory come and go.
#include <bit>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/engine_state.h"
#include "mapwire/nic_fw/queue_pair_error.h"
#include "mapwire/nic_fw/scheduler.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {
namespace {

std::unexpected<Error> refused_pair(Code code, const std::string& cause_and_next_step) {
  return std::unexpected(
      Error::make(code, ErrorScope::kRequest, "queue pair refused: " + cause_and_next_step));
}

std::uint32_t entries(const QueuePairOptions& options) {
  return options.send_entries + options.receive_entries;
}

bool valid_entries(std::uint32_t wanted, std::uint32_t ring) {
  return std::has_single_bit(wanted) && wanted == ring && wanted <= proto::kRingEntriesMax;
}

std::uint32_t random24(const RandomSource& random) {
  return static_cast<std::uint32_t>(random()) & proto::kPsnMask;
}

}  // namespace

Engine::Engine(const EngineOptions& options, RingProducer<proto::CompletionEntry> completions,
               EngineCounters& counters)
    : state_{std::make_unique<State>(options, completions, counters)} {}
Engine::~Engine() = default;

void Engine::complete_into(RingProducer<proto::CompletionEntry> larger) {
  state_->completions.use(larger);
}

std::expected<QueuePairAddress, Error> Engine::open_queue_pair(const QueuePairOptions& options,
                                                               const proto::UdpAddress& local,
                                                               QueuePairRings rings) {
  if (!valid_entries(options.send_entries, rings.send.capacity()) ||
      !valid_entries(options.receive_entries, rings.receive.capacity())) {
    return refused_pair(
        Code::kInvalidArgument,
        "its queue entries are no powers of two or not those of its rings; ask for 64");
  }
  if (state_->queue_pairs.full()) {
    return refused_pair(Code::kLimitReached,
                        "the soft NIC has no more; close one that is not used");
  }
  if (entries(options) > state_->completions.capacity() - state_->entries_reserved) {
    return refused_pair(
        Code::kLimitReached,
        "its entries exceed what is left of the completion queue; ask for fewer, or "
        "create the NIC with more completion entries");
  }
  auto created = std::make_unique<QueuePair>(options, rings);
  created->first_psn = random24(state_->random);
  created->flow.source = local;
  QueuePair& qp = state_->queue_pairs.add(std::move(created), state_->random);
  state_->entries_reserved += entries(options);
  return QueuePairAddress{.udp = local,
                          .qpn = qp.qpn,
                          .first_psn = qp.first_psn,
                          .path_mtu_max = 0,
                          .read_atomic_max = state_->options.read_atomic_max};
}

std::expected<void, Error> Engine::connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                      std::uint64_t now_ns) {
  state_->set_time(now_ns);
  QueuePair* qp = state_->queue_pairs.find(qpn);
  if (qp == nullptr || qp->state != QueuePairState::kOpen) {
    return refused_pair(Code::kInvalidArgument,
                        "it is not open, or connected already; open a new one");
  }
  if (!proto::is_path_mtu(peer.path_mtu)) {
    return refused_pair(Code::kInvalidArgument,
                        "path MTU " + std::to_string(peer.path_mtu) +
                            " is no power of two in 256..4096; take the smaller one of both sides");
  }
  qp->peer = peer;
  qp->flow.destination = peer.address.udp;
  qp->responder.resources = LazyArray<ReadAtomicResource>{state_->options.read_atomic_max};
  Requester& requester = qp->requester;
  requester.requests = LazyArray<WorkRequest>{qp->options.send_entries};
  requester.next_psn = start_psn(peer.send_psn.value_or(qp->first_psn));
  requester.unacknowledged_psn = requester.next_psn;
  requester.send_psn = requester.next_psn;
  requester.sent_end = requester.next_psn;
  requester.ack_requested_end = requester.next_psn;
  requester.reads_max = std::min(peer.address.read_atomic_max, state_->options.read_atomic_max);
  requester.messages = start_psn(0);
  requester.flight = FlightLimit{peer.path_mtu};
  qp->responder.expected_psn = start_psn(peer.address.first_psn);
  qp->state = QueuePairState::kConnected;
  settle(*state_, *qp);
  reschedule(*state_, *qp);
  return {};
}

std::optional<QueuePairRings> Engine::give_up_rings(Qpn qpn) {
  QueuePair* qp = state_->queue_pairs.find(qpn);
  if (qp == nullptr || qp->state != QueuePairState::kOpen) return std::nullopt;
  return qp->rings;
}

const MemoryTable& Engine::memory() const { return state_->memory; }

void Engine::flush_queue_pair(Qpn qpn, Code reason) {
  QueuePair* qp = state_->queue_pairs.find(qpn);
  if (qp == nullptr || qp->state == QueuePairState::kError) return;
  flush(*state_, *qp, reason);
  reschedule(*state_, *qp);
}

void Engine::close_queue_pair(Qpn qpn) {
  QueuePair* qp = state_->queue_pairs.find(qpn);
  if (qp == nullptr) return;
  const std::uint64_t sends = qp->requester.tail - qp->requester.head;
  state_->completions.release(static_cast<std::uint32_t>(sends) + (qp->responder.receive ? 1 : 0));
  state_->entries_reserved -= entries(qp->options);
  unschedule(*state_, *qp);
  state_->queue_pairs.remove(*qp);
}

std::expected<MemoryKeys, Error> Engine::register_memory(std::span<std::byte> memory, Access access,
                                                         std::uint32_t protection_domain) {
  return state_->memory.add(memory, access, protection_domain, state_->random);
}

void Engine::deregister_memory(std::uint32_t lkey) { state_->memory.remove(lkey); }

bool Engine::watch_memory(std::uint32_t lkey, TripTable& wires) {
  return state_->memory.watch(lkey, wires);
}

}  // namespace mapwire::nic_fw
