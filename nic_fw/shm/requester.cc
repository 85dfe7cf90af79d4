#include "mapwire/nic_fw/shm/requester.h"

#include <cstdint>
#include <cstring>
#include <span>

#include "mapwire/nic_fw/check_descriptor.h"
#include "mapwire/nic_fw/scatter_gather.h"
#include "mapwire/nic_fw/shm/end.h"
#include "mapwire/nic_fw/shm/tell.h"
#include "mapwire/nic_fw/work_request.h"

namespace mapwire::nic_fw::shm {
namespace {

using proto::ShmKind;
using proto::WorkOpcode;

std::span<const proto::Sge> elements_of(const proto::SendDescriptor& descriptor) {
  return {descriptor.sge.data(), descriptor.sge_count};
}

bool is_write(WorkOpcode opcode) {
  return opcode == WorkOpcode::kWrite || opcode == WorkOpcode::kWriteImmediate;
}

bool has_immediate(WorkOpcode opcode) {
  return opcode == WorkOpcode::kSendImmediate || opcode == WorkOpcode::kWriteImmediate;
}

ShmKind kind_of(WorkOpcode opcode) {
  if (opcode == WorkOpcode::kRead) return ShmKind::kRead;
  return opcode == WorkOpcode::kCompareSwap ? ShmKind::kCompareSwap : ShmKind::kFetchAdd;
}

proto::ShmTarget target_of(const proto::SendDescriptor& descriptor, std::uint64_t bytes,
                           std::uint64_t offset) {
  return {.address = descriptor.remote_address + offset,
          .rkey = descriptor.rkey,
          .bytes = static_cast<std::uint32_t>(bytes - offset)};
}

// The functions below send the request at the cursor, whose descriptor they are given.

bool may_send(Requester& requester, const proto::SendDescriptor& descriptor) {
  if (requester.peer != Peer::kReady) return false;
  if (requester.requests[requester.cursor].verdict != Code::kOk) return false;
  return !needs_response(descriptor.opcode) || requester.reads_outstanding < requester.reads_max;
}

// Of a SEND or WRITE. False: no room; or it is the turn of others, after as much of a message as
// the area holds, as a peer may read as fast as we write.
bool send_piece(Core& core, QueuePair& qp, SendRequest& request,
                const proto::SendDescriptor& descriptor) {
  Requester& requester = qp.requester;
  const WorkOpcode opcode = descriptor.opcode;
  const bool write = is_write(opcode);
  const std::uint64_t rest = request.bytes - requester.cursor_bytes;
  Place place{qp.channel->writer(), write ? sizeof(proto::ShmTarget) : 0, rest};
  if (!place.has_room()) return false;
  if (!gather(core.memory, qp.options.protection_domain, elements_of(descriptor),
              requester.cursor_bytes, place.memory())) {
    request.verdict = Code::kLocalProtection;
    return true;
  }
  const bool last = place.bytes() == rest;
  const unsigned flags = place.flags() | (requester.cursor_bytes == 0 ? proto::kShmFirst : 0U) |
                         (last ? proto::kShmLast : 0U) |
                         (last && has_immediate(opcode) ? proto::kShmImmediate : 0U);
  proto::ShmCell& cell = qp.channel->writer().next();
  if (write) {
    const proto::ShmTarget target = target_of(descriptor, request.bytes, requester.cursor_bytes);
    std::memcpy(cell.body.data(), &target, sizeof(target));
  }
  fill(cell, qp,
       {.kind = write ? ShmKind::kWrite : ShmKind::kSend,
        .flags = static_cast<std::uint8_t>(flags),
        .bytes = place.bytes(),
        .request = requester.cursor,
        .immediate = descriptor.immediate});
  place.publish(cell);
  requester.cursor_bytes += place.bytes();
  if (last) {
    ++requester.cursor;
    requester.cursor_bytes = 0;
    return true;
  }
  return requester.cursor_bytes % proto::kShmAreaBytes != 0;
}

// A READ or an atomic. False: no room.
bool send_question(QueuePair& qp, const SendRequest& request,
                   const proto::SendDescriptor& descriptor) {
  RingWriter& writer = qp.channel->writer();
  if (!writer.has_room(0)) return false;
  Requester& requester = qp.requester;
  proto::ShmCell& cell = writer.next();
  const proto::ShmAtomic body{.target = target_of(descriptor, request.bytes, 0),
                              .compare = descriptor.compare,
                              .swap_or_add = descriptor.swap_or_add};
  std::memcpy(cell.body.data(), &body, sizeof(body));
  fill(cell, qp,
       {.kind = kind_of(descriptor.opcode),
        .flags = proto::kShmFirst | proto::kShmLast,
        .request = requester.cursor});
  writer.publish(cell, 0);
  ++requester.cursor;
  ++requester.reads_outstanding;
  return true;
}

// False: no room.
bool send_next(Core& core, QueuePair& qp, const proto::SendDescriptor& descriptor) {
  SendRequest& request = qp.requester.requests[qp.requester.cursor];
  if (needs_response(descriptor.opcode)) return send_question(qp, request, descriptor);
  return send_piece(core, qp, request, descriptor);
}

// False: no room.
bool transmit_requests(Core& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  while (requester.cursor != requester.tail) {
    const SendRequest& next = requester.requests[requester.cursor];
    if (!may_send(requester, next.descriptor)) break;
    if (!send_next(core, qp, next.descriptor)) return false;
  }
  if (requester.cursor != requester.tail &&
      requester.requests[requester.cursor].verdict != Code::kOk) {
    settle(core, qp);
  }
  return true;
}

void append(Core& core, QueuePair& qp, const proto::SendDescriptor& descriptor) {
  Requester& requester = qp.requester;
  if (requester.idle()) requester.waits_since_ns = 0;
  SendRequest& request = requester.requests[requester.tail++];
  const Checked checked = check(descriptor, core.memory, qp.options.protection_domain);
  request.descriptor = descriptor;
  request.verdict = checked.verdict;
  request.bytes = checked.bytes;
  request.answered = false;
  request.answered_bytes = 0;
  if (needs_response(descriptor.opcode) && requester.reads_max == 0 &&
      request.verdict == Code::kOk) {
    request.verdict = Code::kRemoteInvalidRequest;  // the peer said it serves none
  }
  core.note_busy(qp);
}

bool is_under_way(const Requester& requester, std::uint32_t number) {
  return number - requester.head < requester.cursor - requester.head;
}

// Of an atomic or a piece of a READ. False: it is no answer to it.
bool answers(const SendRequest& request, const Cell& cell, std::size_t bytes) {
  if (request.answered || !needs_response(request.descriptor.opcode)) return false;
  const bool atomic = cell.kind == ShmKind::kAtomicResponse;
  const std::uint64_t left = request.bytes - request.answered_bytes;
  return atomic == is_atomic(request.descriptor.opcode) && bytes <= left &&
         cell.last() == (bytes == left);
}

}  // namespace

// What can go at once goes from the caller's descriptor: the copy, read before it has left the
// store buffer, would hold it up.
void post(Core& core, QueuePair& qp, const proto::SendDescriptor& descriptor) {
  const bool next = qp.requester.cursor == qp.requester.tail;
  append(core, qp, descriptor);
  if (qp.state == State::kError) {
    complete_send(core, qp, Code::kFlushed);
    return;
  }
  const bool at_once = next && !has_to_tell(qp) && may_send(qp.requester, descriptor);
  if (at_once && !send_next(core, qp, descriptor)) {
    core.note_ready(qp);
  } else {
    transmit(core, qp);
  }
}

void transmit(Core& core, QueuePair& qp) {
  const bool all = (!has_to_tell(qp) || tell(core, qp)) &&
                   (qp.state != State::kConnected || transmit_requests(core, qp));
  if (!all) core.note_ready(qp);
}

void settle(Core& core, QueuePair& qp) {
  Requester& requester = qp.requester;
  while (!requester.idle()) {
    const SendRequest& oldest = requester.requests[requester.head];
    if (oldest.verdict != Code::kOk) {
      if (requester.head == requester.cursor) {
        fail_request(core, qp, requester.head, oldest.verdict);
      }
      return;
    }
    const bool carried_out = requester.acknowledged - requester.head - 1 < UINT32_MAX / 2;
    const bool done = needs_response(oldest.descriptor.opcode) ? oldest.answered : carried_out;
    if (!done) return;
    complete_send(core, qp, Code::kOk);
  }
}

void advance(Core& core, QueuePair& qp, std::uint32_t number) {
  Requester& requester = qp.requester;
  if (number - requester.acknowledged > requester.cursor - requester.acknowledged) {
    fail_request(core, qp, requester.head, Code::kBadResponse);
    return;
  }
  requester.acknowledged = number;
  requester.waits_since_ns = 0;
  requester.not_ready_since_ns = 0;
  settle(core, qp);
}

void on_response(Core& core, QueuePair& qp, const Cell& cell, std::span<const std::byte> payload) {
  Requester& requester = qp.requester;
  SendRequest& request = requester.requests[cell.request];
  if (!is_under_way(requester, cell.request) || !answers(request, cell, payload.size())) {
    fail_request(core, qp, requester.head, Code::kBadResponse);
    return;
  }
  if (!scatter(core.memory, qp.options.protection_domain, elements_of(request.descriptor),
               request.answered_bytes, payload)) {
    fail_request(core, qp, cell.request, Code::kLocalProtection);
    return;
  }
  requester.waits_since_ns = 0;
  request.answered_bytes += payload.size();
  if (!cell.last()) return;
  request.answered = true;
  --requester.reads_outstanding;
  settle(core, qp);
  transmit(core, qp);  // one that waited for its turn
}

// Everything from `number` on was dropped and is sent again.
void on_not_ready(QueuePair& qp, std::uint32_t number) {
  Requester& requester = qp.requester;
  const bool being_sent = number == requester.cursor && requester.cursor_bytes != 0;
  if (number != requester.acknowledged || !(is_under_way(requester, number) || being_sent)) return;
  for (std::uint32_t i = number; i != requester.cursor; ++i) {
    if (needs_response(requester.requests[i].descriptor.opcode)) --requester.reads_outstanding;
  }
  requester.cursor = number;
  requester.cursor_bytes = 0;
  requester.peer = Peer::kNotReady;
  requester.waits_since_ns = 0;
}

// The one that connects later asks, as what the other told before was dropped.
void on_connected(Core& core, QueuePair& qp, bool asks_back) {
  if (qp.requester.peer == Peer::kAbsent) qp.requester.peer = Peer::kReady;
  if (asks_back) {
    qp.responder.connected_due = true;
    qp.responder.connected_asks = false;
  }
  transmit(core, qp);
}

void on_ready(Core& core, QueuePair& qp, std::uint32_t number) {
  Requester& requester = qp.requester;
  if (requester.peer != Peer::kNotReady || number != requester.cursor) return;
  requester.peer = Peer::kReady;
  transmit(core, qp);
}

void on_refused(Core& core, QueuePair& qp, std::uint32_t number, std::uint32_t code) {
  Requester& requester = qp.requester;
  if (requester.idle()) return;
  const Code cause = code == static_cast<std::uint32_t>(Code::kRemoteAccess) ? Code::kRemoteAccess
                     : code == static_cast<std::uint32_t>(Code::kRemoteOperational)
                         ? Code::kRemoteOperational
                         : Code::kRemoteInvalidRequest;
  fail_request(core, qp, is_under_way(requester, number) ? number : requester.head, cause);
}

}  // namespace mapwire::nic_fw::shm
