#include "mapwire/nic_fw/shm/transport.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <utility>

#include "mapwire/nic_fw/shm/deadlines.h"
#include "mapwire/nic_fw/shm/end.h"
#include "mapwire/nic_fw/shm/on_cell.h"
#include "mapwire/nic_fw/shm/requester.h"
#include "mapwire/nic_fw/shm/responder.h"
#include "mapwire/nic_fw/shm/tell.h"

namespace mapwire::nic_fw::shm {
namespace {

using proto::CompletionEntry;

// Cells taken from a peer per poll(), which bounds its work.
constexpr int kCellsPerPoll = 64;
// Time between two looks at everything that is not a cell.
constexpr std::uint64_t kLookNs = 1'000'000;
// A sleeper whose ring to a peer is full looks again after so long: peers tell nobody that they
// read. The wait is doubled so often at most while nothing finds room: a peer may never read again.
constexpr std::uint64_t kFullRingNs = 50'000;
constexpr std::uint32_t kFullRingDoublingsMax = 8;

}  // namespace

Transport::Transport(const TransportOptions& options, const MemoryTable& memory,
                     CounterBlock* counters, Channels channels)
    : options_{options}, channels_{std::move(channels)}, core_{memory, Counters::in(counters)} {}

std::expected<std::unique_ptr<Transport>, Error> Transport::create(const TransportOptions& options,
                                                                   const MemoryTable& memory,
                                                                   CounterBlock* counters) {
  auto channels = Channels::create(options.random);
  if (!channels) return std::unexpected(std::move(channels.error()));
  return std::unique_ptr<Transport>{new Transport{options, memory, counters, std::move(*channels)}};
}

std::expected<QueuePair*, Error> Transport::connect(Qpn qpn, const QueuePairOptions& options,
                                                    const QueuePairPeer& peer, WorkQueues& queues,
                                                    std::uint64_t now_ns) {
  auto channel = channels_.reach(peer.address.shared_memory, now_ns);
  if (!channel) return std::unexpected(std::move(channel.error()));
  auto created =
      std::make_unique<QueuePair>(qpn, options, peer, options_.read_atomic_max, **channel, queues);
  QueuePair& qp = *created;
  quiet_ = false;
  core_.queue_pairs[qpn] = std::move(created);
  core_.reserve();
  ++qp.channel->users;
  core_.counters.connections.add();
  transmit(core_, qp);  // tells that it is there
  qp.channel->ring_doorbell();
  return &qp;
}

void Transport::flush(QueuePair& qp, Code reason) {
  quiet_ = false;
  if (qp.state != State::kError) shm::flush(core_, qp, reason);
}

void Transport::close(QueuePair& qp) {
  quiet_ = false;
  core_.forget(qp);
  --qp.channel->users;
  core_.queue_pairs.erase(qp.qpn);
}

void Transport::post_send(QueuePair& qp, const proto::SendDescriptor& descriptor) {
  quiet_ = false;
  post(core_, qp, descriptor);
  qp.channel->ring_doorbell();
}

void Transport::post_receive(QueuePair& qp, const proto::ReceiveDescriptor& descriptor) {
  quiet_ = false;
  if (qp.state == State::kError) {
    qp.responder.receive = &descriptor;
    complete_receive(core_, qp, proto::WorkOpcode::kReceive, Code::kFlushed, 0, {});
    return;
  }
  add_receive(core_, qp, descriptor);
  qp.channel->ring_doorbell();
}

// Acknowledgements that fall due together with completions are held back until the next call: if
// the application replies, the reply carries them.
std::size_t Transport::poll(std::span<CompletionEntry> completions, Now now) {
  if (sleeping_) look_for_wake_ups(now);
  if (acknowledges_) send_acknowledgements(core_);
  core_.completions.open(completions);
  for (Channel& channel : channels_.all()) take_cells(channel);
  if (!core_.ready.empty()) transmit_ready();
  const std::size_t count = core_.completions.close();
  acknowledges_ = !core_.acknowledging.empty();
  if (acknowledges_ && count == 0) {
    send_acknowledgements(core_);
    acknowledges_ = false;
  }
  ring_doorbells();
  quiet_ = !sleeping_ && !acknowledges_ && core_.ready.empty() && core_.failed.empty() &&
           core_.completions.empty();
  return count;
}

void Transport::ring_doorbells() {
  for (Channel& channel : channels_.all()) channel.ring_doorbell();
}

void Transport::take_cells(Channel& channel) {
  RingReader* reader = channel.reader();
  if (reader == nullptr) return;
  for (int taken = 0; taken < kCellsPerPoll && !reader->empty(); ++taken) {
    take_cell(channel, *reader);
  }
}

void Transport::take_cell(Channel& channel, RingReader& reader) {
  const Cell cell = reader.oldest();
  on_cell(core_, channel, cell, reader);
  reader.pop(cell.in_area() ? cell.bytes : 0);
}

// In turns: what finds no room again is noted anew, behind the others.
void Transport::transmit_ready() {
  const std::size_t count = core_.ready.size();
  for (std::size_t i = 0; i < count; ++i) {
    QueuePair& qp = *core_.ready[i];
    qp.is_ready = false;
    transmit(core_, qp);
    if (qp.channel->writer().has_unannounced()) full_ring_looks_ = 0;
  }
  core_.ready.erase(core_.ready.begin(), core_.ready.begin() + static_cast<std::ptrdiff_t>(count));
}

void Transport::look_around_now(std::uint64_t now_ns) {
  quiet_ = false;
  look_again_ns_ = now_ns + kLookNs;
  channels_.serve(now_ns);
  channels_.collect(false);
  give_up_corrupt(core_, channels_.all());
  clock_.advance(now_ns, deadline_ns_);
  deadline_ns_ = check_deadlines(core_, clock_.now_ns());
}

// Somebody sleeps, or did. One who polls for nothing leaves it at that: another may still sleep.
void Transport::look_for_wake_ups(Now now) {
  if (channels_.has_events()) channels_.serve(now.ns());
  if (!cells_wait()) return;
  sleeping_ = false;
  channels_.set_sleeping(false);
}

std::uint64_t Transport::next_deadline_ns(std::uint64_t now_ns) {
  if (completions_wait() || has_async_events()) return 0;
  send_acknowledgements(core_);
  acknowledges_ = false;
  look_around_now(now_ns);
  ring_doorbells();
  if (!sleeping_) {
    sleeping_ = true;
    channels_.set_sleeping(true);
    order_stores_of_all();
  }
  if (cells_wait() || completions_wait()) return 0;
  return std::min({look_into_full_rings_ns(now_ns), clock_.to_caller(deadline_ns_),
                   channels_.next_deadline_ns()});
}

// When a sleeper has to, for what is left to be told. At once if there is room, and it was but the
// turn of others.
std::uint64_t Transport::look_into_full_rings_ns(std::uint64_t now_ns) {
  if (core_.ready.empty() && core_.acknowledging.empty()) {
    full_ring_looks_ = 0;
    return UINT64_MAX;
  }
  if (std::ranges::any_of(core_.ready, [](const QueuePair* qp) {
        return qp->channel->writer().has_room(proto::kShmPieceBytes);
      })) {
    return 0;
  }
  const std::uint32_t doublings = std::min(full_ring_looks_++, kFullRingDoublingsMax);
  return now_ns + (kFullRingNs << doublings);
}

std::size_t Transport::poll_async(std::span<AsyncEvent> events) {
  const std::size_t count = std::min(events.size(), core_.failed.size());
  std::ranges::copy(std::span{core_.failed}.first(count), events.begin());
  core_.failed.erase(core_.failed.begin(),
                     core_.failed.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

}  // namespace mapwire::nic_fw::shm
