// The control path: queue pairs come and go.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>

#include "mapwire/nic_fw/route_mtu.h"
#include "mapwire/nic_fw/soft_nic_impl.h"
#include "mapwire/proto/packet.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::nic_fw {
namespace {

std::unexpected<Error> refuse_connection() {
  return std::unexpected(
      Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                  "queue pair refused: it is not open, or connected already; open a new one"));
}

}  // namespace

std::expected<QueuePairAddress, Error> SoftNic::open_queue_pair(const QueuePairOptions& options,
                                                                const proto::IpAddress& local,
                                                                const proto::IpAddress& remote) {
  auto payload_bytes_max = wire_->payload_bytes_max(local, remote);
  if (!payload_bytes_max) return std::unexpected(std::move(payload_bytes_max.error()));
  auto path_mtu = path_mtu_for(*payload_bytes_max, local, remote);
  if (!path_mtu) return std::unexpected(std::move(path_mtu.error()));
  auto udp = options.roce_port ? wire_->open_roce_port(local) : wire_->open(local);
  if (!udp) return std::unexpected(std::move(udp.error()));
  auto queues = queues_.make(options);
  if (!queues) return std::unexpected(std::move(queues.error()));
  auto address = open_in_engine(options, *udp, queues->ends.engine);
  if (!address) {
    queues_.discard(*queues);
    return address;
  }
  wire_rests_ = false;
  queues_.add(address->qpn, *queues);
  address->path_mtu_max = std::min(*path_mtu, attributes_.path_mtu_max);
  if (shm_) address->shared_memory = shm_->address();
  return address;
}

std::expected<QueuePairAddress, Error> SoftNic::open_in_engine(const QueuePairOptions& options,
                                                               const proto::UdpAddress& local,
                                                               const QueuePairRings& rings) {
  if (auto room = make_room_for_completions(); !room) {
    return std::unexpected(std::move(room.error()));
  }
  return engine_.open_queue_pair(options, local, rings);
}

// The completion queue grows with the work queues. One that is longer than they need would lie in
// more cache lines, as all of it is used in turn.
std::expected<void, Error> SoftNic::make_room_for_completions() {
  const std::uint32_t needed = queues_.completions_max();
  if (needed <= completions_.capacity()) return {};
  auto larger = CompletionRing::create(std::bit_ceil(needed));
  if (!larger) return std::unexpected(std::move(larger.error()));
  while (const auto waiting = completions_.try_pop()) larger->producer.try_push(*waiting);
  engine_.complete_into(larger->producer);
  completions_ = larger->consumer;
  completion_arena_ = std::move(larger->arena);
  return {};
}

std::expected<void, Error> SoftNic::connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                       std::uint64_t now_ns) {
  if (shm_ && peer.address.shared_memory.socket != 0 && connect_shm(qpn, peer, now_ns)) return {};
  return connect_udp(qpn, peer, now_ns);
}

std::expected<void, Error> SoftNic::connect_udp(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) {
  QueuePairPeer reachable = peer;
  reachable.address.udp.ip.scope_id = 0;  // as in the packets that come from there: see wire.h
  if (auto connected = engine_.connect_queue_pair(qpn, reachable, now_ns); !connected) {
    return connected;
  }
  wire_rests_ = false;
  queues_.find(qpn)->on_udp = true;
  ++udp_queue_pairs_;
  return {};
}

// What was posted before goes with it.
std::expected<void, Error> SoftNic::connect_shm(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) {
  WorkQueues* queues = queues_.find(qpn);
  if (!proto::is_path_mtu(peer.path_mtu) || queues == nullptr || queues->on_udp ||
      queues->on_shm != nullptr)
    return refuse_connection();
  shm_->reserve_completions(completions_.capacity());
  auto connected = shm_->connect(qpn, queues->options, peer, *queues, now_ns);
  if (!connected) return std::unexpected(std::move(connected.error()));
  auto rings = engine_.give_up_rings(qpn);
  if (!rings) {
    shm_->close(**connected);
    return refuse_connection();
  }
  queues->on_shm = *connected;
  while (rings->receive.available() > 0) {
    shm_->post_receive(**connected, *rings->receive.try_pop());
  }
  while (rings->send.available() > 0) shm_->post_send(**connected, *rings->send.try_pop());
  queues_.give_back_rings(qpn);
  return {};
}

std::string_view SoftNic::wire_of(Qpn qpn) {
  const WorkQueues* queues = queues_.find(qpn);
  return queues != nullptr && queues->on_shm != nullptr ? kShmWire : wire_->name();
}

std::optional<uid_t> SoftNic::user_of(Qpn qpn) {
  const WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr || queues->on_shm == nullptr) return {};
  return shm::Transport::user_of(*queues->on_shm);
}

bool SoftNic::pass_descriptor(Qpn qpn, int descriptor) {
  const WorkQueues* queues = queues_.find(qpn);
  return queues != nullptr && queues->on_shm != nullptr &&
         shm::Transport::pass_descriptor(*queues->on_shm, descriptor);
}

UniqueFd SoftNic::take_descriptor(Qpn qpn) {
  const WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr || queues->on_shm == nullptr) return {};
  return shm_->take_descriptor(*queues->on_shm, now_ns());
}

void SoftNic::flush_queue_pair(Qpn qpn, Code reason) {
  const WorkQueues* queues = queues_.find(qpn);
  if (queues != nullptr && queues->on_shm != nullptr) {
    shm_->flush(*queues->on_shm, reason);
  } else {
    wire_rests_ = false;
    engine_.flush_queue_pair(qpn, reason);
  }
}

void SoftNic::close_queue_pair(Qpn qpn) {
  const WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr) return;
  if (queues->on_shm != nullptr) shm_->close(*queues->on_shm);
  if (queues->on_udp) --udp_queue_pairs_;
  engine_.close_queue_pair(qpn);  // reads the rings no more: their memory may go
  queues_.remove(qpn);
  if (shm_) shm_->collect(queues_.size() == shm_->queue_pairs());
  if (completions_.available() == 0 && (!shm_ || !shm_->completions_wait())) {
    queues_.on_completions_drained();
  }
}

}  // namespace mapwire::nic_fw
