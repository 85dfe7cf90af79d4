#include "mapwire/nic_fw/shm/tell.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "mapwire/nic_fw/shm/end.h"

namespace mapwire::nic_fw::shm {
namespace {

using proto::ShmKind;

// Cells of answers in one turn, which are as much as the area holds: a peer that reads as fast as
// we write must not keep us from the others.
constexpr int kAnswersPerTurn = proto::kShmAreaBytes / proto::kShmPieceBytes;

bool say(QueuePair& qp, const CellFields& head) {
  RingWriter& writer = qp.channel->writer();
  if (!writer.has_room(0)) return false;
  proto::ShmCell& cell = writer.next();
  fill(cell, qp, head);
  writer.publish(cell, 0);
  return true;
}

// Reads the peer's memory of a READ into `to`. The region may have gone since the READ was
// accepted.
bool read(const Core& core, const QueuePair& qp, const Response& response,
          std::span<std::byte> to) {
  const proto::ShmTarget& source = response.source;
  return core.memory.read_for_peer(source.rkey, source.address, to, qp.options.protection_domain);
}

// One cell of the oldest READ that is not answered. False: no room.
bool answer_read(Core& core, QueuePair& qp, Response& response) {
  Place place{qp.channel->writer(), 0, response.source.bytes};
  if (!place.has_room()) return false;
  if (!read(core, qp, response, place.memory())) {
    drop_responses(qp);
    refuse(core, qp, response.request, Code::kRemoteAccess);
    return true;
  }
  const bool last = place.bytes() == response.source.bytes;
  proto::ShmCell& cell = qp.channel->writer().next();
  const unsigned flags = place.flags() | (last ? proto::kShmLast : 0U);
  fill(cell, qp,
       {.kind = response.kind,
        .flags = static_cast<std::uint8_t>(flags),
        .bytes = place.bytes(),
        .request = response.request});
  place.publish(cell);
  response.source.address += place.bytes();
  response.source.bytes -= place.bytes();
  if (last) ++qp.responder.responses_head;
  return true;
}

bool answer_atomic(QueuePair& qp, const Response& response) {
  RingWriter& writer = qp.channel->writer();
  if (!writer.has_room(0)) return false;
  proto::ShmCell& cell = writer.next();
  fill(cell, qp,
       {.kind = response.kind,
        .flags = proto::kShmLast,
        .bytes = sizeof(response.original),
        .request = response.request});
  std::memcpy(cell.body.data(), &response.original, sizeof(response.original));
  writer.publish(cell, 0);
  ++qp.responder.responses_head;
  return true;
}

bool answer(Core& core, QueuePair& qp) {
  Response& oldest = qp.responder.responses[qp.responder.responses_head];
  if (oldest.kind == ShmKind::kAtomicResponse) return answer_atomic(qp, oldest);
  return answer_read(core, qp, oldest);
}

bool tell_readiness(QueuePair& qp) {
  Responder& responder = qp.responder;
  if (responder.connected_due) {
    const std::uint8_t flags = responder.connected_asks ? proto::kShmFirst : std::uint8_t{0};
    if (!say(qp, {.kind = ShmKind::kConnected, .flags = flags})) return false;
    responder.connected_due = false;
  }
  if (responder.not_ready_due) {
    if (!say(qp, {.kind = ShmKind::kNotReady, .request = responder.expected})) return false;
    responder.not_ready_due = false;
  }
  if (responder.ready_due) {
    if (!say(qp, {.kind = ShmKind::kReady, .request = responder.expected})) return false;
    responder.ready_due = false;
  }
  return true;
}

}  // namespace

bool tell(Core& core, QueuePair& qp) {
  if (!tell_readiness(qp)) return false;
  Responder& responder = qp.responder;
  for (int answers = 0; responder.responses_head != responder.responses_tail; ++answers) {
    if (answers == kAnswersPerTurn || !answer(core, qp)) return false;
  }
  if (responder.refusal_due == Code::kOk) return true;
  if (!say(qp, {.kind = ShmKind::kRefused,
                .request = responder.refused,
                .immediate = std::to_underlying(responder.refusal_due)})) {
    return false;
  }
  responder.refusal_due = Code::kOk;
  return true;
}

void send_acknowledgements(Core& core) {
  std::size_t kept = 0;
  for (QueuePair* qp : core.acknowledging) {
    const bool told = !qp->responder.acknowledge_due || say(*qp, {.kind = ShmKind::kAcknowledge});
    qp->is_acknowledging = !told;
    if (!told) core.acknowledging[kept++] = qp;
  }
  core.acknowledging.resize(kept);
}

}  // namespace mapwire::nic_fw::shm
