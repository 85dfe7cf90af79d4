#include "mapwire/nic_fw/shm/responder.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "mapwire/nic_fw/check_descriptor.h"
#include "mapwire/nic_fw/scatter_gather.h"
#include "mapwire/nic_fw/shm/end.h"
#include "mapwire/nic_fw/shm/requester.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/barrier.h"
#include "mapwire/runtime/execute_atomic.h"

namespace mapwire::nic_fw::shm {
namespace {

using proto::ShmKind;

void refuse_invalid(Core& core, QueuePair& qp) {
  refuse(core, qp, qp.responder.expected, Code::kRemoteInvalidRequest);
}

void refuse_access(Core& core, QueuePair& qp) {
  refuse(core, qp, qp.responder.expected, Code::kRemoteAccess);
}

// The request is carried out.
void accept(Core& core, QueuePair& qp) {
  Responder& responder = qp.responder;
  responder.message = IncomingMessage::kNone;
  ++responder.expected;
  responder.acknowledge_due = true;
  core.note_acknowledging(qp);
}

std::optional<std::uint32_t> immediate_of(const Cell& cell) {
  if ((cell.flags & proto::kShmImmediate) == 0) return std::nullopt;
  return cell.immediate;
}

std::span<const proto::Sge> elements_of(const proto::ReceiveDescriptor& receive) {
  return {receive.sge.data(), receive.sge_count};
}

// The peer stops until it is told of one.
void tell_not_ready(Core& core, QueuePair& qp) {
  core.counters.not_ready.add();
  qp.responder.not_ready_due = true;
  qp.responder.told_not_ready = true;
  qp.responder.message = IncomingMessage::kNone;
  core.note_ready(qp);
}

// False: there is none, or it is no good and the queue pair is in error.
bool take_receive(Core& core, QueuePair& qp) {
  Responder& responder = qp.responder;
  if (responder.receives_head == responder.receives_tail) {
    tell_not_ready(core, qp);
    return false;
  }
  responder.receive = &responder.receives[responder.receives_head++];
  const Checked checked = check(*responder.receive, core.memory, qp.options.protection_domain);
  if (checked.verdict != Code::kOk) {
    fail_receive(core, qp, checked.verdict, Code::kRemoteOperational);
    return false;
  }
  responder.receive_bytes = checked.bytes;
  return true;
}

bool place_in_receive(const Core& core, const QueuePair& qp, const Cell& cell,
                      std::span<const std::byte> payload) {
  const Responder& responder = qp.responder;
  const auto elements = elements_of(*responder.receive);
  // take_receive() has just looked.
  if (cell.first()) return scatter_checked(core.memory, elements, payload);
  return scatter(core.memory, qp.options.protection_domain, elements, responder.message_bytes,
                 payload);
}

void on_send(Core& core, QueuePair& qp, const Cell& cell, std::span<const std::byte> payload) {
  Responder& responder = qp.responder;
  if (cell.first()) {
    if (!take_receive(core, qp)) return;
    responder.message = IncomingMessage::kSend;
    responder.message_bytes = 0;
  }
  if (payload.size() > responder.receive_bytes - responder.message_bytes) {
    fail_receive(core, qp, Code::kReceiveTooSmall, Code::kRemoteInvalidRequest);
    return;
  }
  if (!place_in_receive(core, qp, cell, payload)) {
    fail_receive(core, qp, Code::kLocalProtection, Code::kRemoteOperational);
    return;
  }
  responder.message_bytes += payload.size();
  if (!cell.last()) return;
  complete_receive(core, qp, proto::WorkOpcode::kReceive, Code::kOk, responder.message_bytes,
                   immediate_of(cell));
  accept(core, qp);
}

proto::ShmTarget target_in(const Cell& cell) {
  return copy_once<proto::ShmTarget>(cell.body.data());
}

// An access of no bytes needs no key (IBTA 9.7.4.1.5).
bool permitted(const Core& core, const QueuePair& qp, const proto::ShmTarget& target,
               std::uint64_t bytes, RemoteUse use) {
  return bytes == 0 ||
         core.memory.allows(target.rkey, target.address, bytes, qp.options.protection_domain, use);
}

// Each piece says where it goes, and is checked by itself: the region may be deregistered in the
// middle of a message. The first is refused if any of them would be.
void on_write(Core& core, QueuePair& qp, const Cell& cell, std::span<const std::byte> payload) {
  Responder& responder = qp.responder;
  const proto::ShmTarget target = target_in(cell);
  if (cell.first()) {
    responder.message = IncomingMessage::kWrite;
    responder.message_bytes = 0;
  }
  if (target.bytes > proto::kMessageBytesMax || payload.size() > target.bytes ||
      cell.last() != (payload.size() == target.bytes)) {
    refuse_invalid(core, qp);
    return;
  }
  const auto immediate = immediate_of(cell);
  // The receive comes first: while there is none the message has no end.
  if (cell.last() && immediate && !take_receive(core, qp)) return;
  const bool begins = cell.first() && !cell.last();
  if ((begins && !permitted(core, qp, target, target.bytes, RemoteUse::kWrite)) ||
      !core.memory.write_for_peer(target.rkey, target.address, payload,
                                  qp.options.protection_domain)) {
    refuse_access(core, qp);
    return;
  }
  responder.message_bytes += payload.size();
  if (!cell.last()) return;
  if (immediate) {
    complete_receive(core, qp, proto::WorkOpcode::kReceiveWrite, Code::kOk, responder.message_bytes,
                     immediate);
  }
  accept(core, qp);
}

bool has_room_for_response(QueuePair& qp) {
  const Responder& responder = qp.responder;
  return responder.responses_tail - responder.responses_head < qp.responses_max;
}

void answer_later(Core& core, QueuePair& qp, const Response& response) {
  qp.responder.responses[qp.responder.responses_tail++] = response;
  accept(core, qp);
  core.note_ready(qp);
}

void on_read(Core& core, QueuePair& qp, const Cell& cell) {
  const proto::ShmTarget source = target_in(cell);
  if (source.bytes > proto::kMessageBytesMax || !has_room_for_response(qp)) {
    refuse_invalid(core, qp);
  } else if (!permitted(core, qp, source, source.bytes, RemoteUse::kRead)) {
    refuse_access(core, qp);
  } else {
    answer_later(core, qp,
                 {.kind = ShmKind::kReadResponse, .request = cell.request, .source = source});
  }
}

void on_atomic(Core& core, QueuePair& qp, const Cell& cell) {
  const auto atomic = copy_once<proto::ShmAtomic>(cell.body.data());
  const std::uint64_t address = atomic.target.address;
  if (address % sizeof(std::uint64_t) != 0 || !has_room_for_response(qp)) {
    refuse_invalid(core, qp);
    return;
  }
  if (!permitted(core, qp, atomic.target, sizeof(std::uint64_t), RemoteUse::kAtomic)) {
    refuse_access(core, qp);
    return;
  }
  const std::uint64_t original = cell.kind == ShmKind::kFetchAdd
                                     ? fetch_add(address, atomic.swap_or_add)
                                     : compare_swap(address, atomic.compare, atomic.swap_or_add);
  core.memory.note_atomic(atomic.target.rkey, address);
  answer_later(core, qp,
               {.kind = ShmKind::kAtomicResponse, .request = cell.request, .original = original});
}

// A message is continued by its own kind alone, and nothing else starts before its end.
bool in_sequence(const Responder& responder, const Cell& cell) {
  switch (responder.message) {
    case IncomingMessage::kNone: return cell.first();
    case IncomingMessage::kSend: return cell.kind == ShmKind::kSend && !cell.first();
    case IncomingMessage::kWrite: return cell.kind == ShmKind::kWrite && !cell.first();
  }
  return false;
}

// What was sent before the peer knew that there is no receive.
bool was_dropped(const Responder& responder, const Cell& cell) {
  const bool rest = responder.message == IncomingMessage::kNone && !cell.first();
  return cell.request != responder.expected || rest;
}

}  // namespace

void on_request(Core& core, QueuePair& qp, const Cell& cell, std::span<const std::byte> payload) {
  if (was_dropped(qp.responder, cell)) return;
  if (!in_sequence(qp.responder, cell)) {
    refuse_invalid(core, qp);
    return;
  }
  switch (cell.kind) {
    case ShmKind::kSend: on_send(core, qp, cell, payload); return;
    case ShmKind::kWrite: on_write(core, qp, cell, payload); return;
    case ShmKind::kRead: on_read(core, qp, cell); return;
    case ShmKind::kCompareSwap:
    case ShmKind::kFetchAdd: on_atomic(core, qp, cell); return;
    case ShmKind::kReadResponse:
    case ShmKind::kAtomicResponse:
    case ShmKind::kAcknowledge:
    case ShmKind::kConnected:
    case ShmKind::kNotReady:
    case ShmKind::kReady:
    case ShmKind::kRefused: return;  // no requests
  }
}

void add_receive(Core& core, QueuePair& qp, const proto::ReceiveDescriptor& descriptor) {
  Responder& responder = qp.responder;
  responder.receives[responder.receives_tail++] = descriptor;
  if (!responder.told_not_ready) return;
  responder.told_not_ready = false;
  responder.ready_due = true;
  transmit(core, qp);
}

}  // namespace mapwire::nic_fw::shm
