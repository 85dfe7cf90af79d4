#include "mapwire/nic_fw/shm/on_cell.h"

#include <cstddef>
#include <optional>
#include <span>

#include "mapwire/nic_fw/shm/end.h"
#include "mapwire/nic_fw/shm/requester.h"
#include "mapwire/nic_fw/shm/responder.h"

namespace mapwire::nic_fw::shm {
namespace {

using proto::ShmKind;

// Two channels lead to one process if both sides connected at once.
bool comes_from_peer(const QueuePair& qp, const Channel& channel) {
  return qp.channel == &channel || qp.channel->peer() == channel.peer();
}

// Nothing: the cell tells of a payload where none can be.
std::optional<std::span<const std::byte>> payload_of(const Cell& cell, const RingReader& reader) {
  if (cell.in_area()) return reader.payload_in_area(cell);
  const std::size_t before = cell.kind == ShmKind::kWrite ? sizeof(proto::ShmTarget) : 0;
  if (cell.bytes > cell.body.size() - before) return std::nullopt;
  return cell.body.subspan(before, cell.bytes);
}

}  // namespace

void on_cell(Core& core, Channel& channel, const Cell& cell, const RingReader& reader) {
  core.counters.cells_received.add();
  QueuePair* qp = core.find(cell.qpn);
  const auto payload = payload_of(cell, reader);
  if (qp == nullptr || !comes_from_peer(*qp, channel) || !payload) {
    core.counters.dropped.add();
    return;
  }
  if (qp->state != State::kConnected) return;
  on_acknowledged(core, *qp, cell.acknowledged);
  if (qp->state != State::kConnected) return;
  core.counters.payload_bytes_received.add(payload->size());
  switch (cell.kind) {
    case ShmKind::kSend:
    case ShmKind::kWrite:
    case ShmKind::kRead:
    case ShmKind::kCompareSwap:
    case ShmKind::kFetchAdd: on_request(core, *qp, cell, *payload); return;
    case ShmKind::kReadResponse:
    case ShmKind::kAtomicResponse: on_response(core, *qp, cell, *payload); return;
    case ShmKind::kAcknowledge: return;
    case ShmKind::kNotReady: on_not_ready(*qp, cell.request); return;
    case ShmKind::kConnected: on_connected(core, *qp, cell.first()); return;
    case ShmKind::kReady: on_ready(core, *qp, cell.request); return;
    case ShmKind::kRefused: on_refused(core, *qp, cell.request, cell.immediate); return;
  }
  core.counters.dropped.add();  // a kind that is none
}

void give_up_corrupt(Core& core, std::list<Channel>& channels) {
  for (Channel& channel : channels) {
    if (!channel.writer().corrupt() || channel.state() == Channel::State::kDead) continue;
    core.counters.rings_corrupt.add();
    channel.kill();
    for (const auto& [qpn, qp] : core.queue_pairs) {
      if (qp->channel != &channel || qp->state == State::kError) continue;
      fail_request(core, *qp, qp->requester.head, Code::kRingCorrupt);
    }
  }
}

}  // namespace mapwire::nic_fw::shm
