// Posting: checks, the header, the descriptor.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/touch.h"
#include "mapwire/proto/endian.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {

using detail::WorkKind;
using proto::WorkOpcode;

namespace {

template <class Descriptor>
void append(Descriptor& descriptor, const proto::Sge& sge) {
  descriptor.sge[descriptor.sge_count++] = sge;
}

// Other memory is in the way; the request itself is well.
bool no_room(Code code) { return code == Code::kWouldBlock || code == Code::kLimitReached; }

void set_target(proto::SendDescriptor& descriptor, const RemoteBuffer& remote) {
  descriptor.remote_address = remote.address;
  descriptor.rkey = remote.rkey;
}

}  // namespace

Code Endpoint::Impl::admit(std::span<const std::byte> memory, std::size_t extra_bytes) const {
  if (memory.data() == nullptr && !memory.empty()) return Code::kInvalidArgument;
  if (memory.size() > proto::kMessageBytesMax - extra_bytes) return Code::kMessageTooLong;
  return state_ == State::kClosed ? Code::kEndpointClosed : Code::kOk;
}

Code Endpoint::Impl::admit_send(bool needs_credit) {
  // What is posted after a message in pieces does not overtake it.
  if (sends_unseen_ >= options_.send_entries || offered_) {
    path_->counters().queue_would_block.add();
    return Code::kWouldBlock;
  }
  if (!needs_credit || !uses_headers() || state_ != State::kOpen) return Code::kOk;
  if (send_credits_.available()) return Code::kOk;
  if (!take_credit_word()) return Code::kOk;  // the post is flushed: the endpoint has just failed
  if (send_credits_.available()) return Code::kOk;
  path_->counters().credit_would_block.add();
  if (!std::exchange(credit_wanted_, true)) path_->note_credit_wanted(id_);
  return Code::kWouldBlock;
}

Code Endpoint::Impl::flush_at_once(Operation operation, std::uint64_t cookie) {
  ++(operation == Operation::kReceive ? receives_unseen_ : sends_unseen_);
  deliver({.cookie = cookie, .endpoint = id_, .operation = operation, .status = Code::kFlushed});
  return Code::kOk;
}

Code Endpoint::Impl::submit(proto::SendDescriptor& descriptor, detail::PendingRequest request) {
  descriptor.cookie = detail::make_cookie(id_, WorkKind::kSend);
  request.kind = WorkKind::kSend;
  if (leases_) [[unlikely]]
    return submit_leased(descriptor, request);
  if (!path_->nic()->post_send(address_.qpn, descriptor, Now{})) {
    release(request);
    return Code::kWouldBlock;
  }
  sends_.push(request);
  ++sends_unseen_;
  if (wires_) [[unlikely]]
    detail::touch(*wires_, request.operation, descriptor);
  path_->after_post();
  return Code::kOk;
}

void Endpoint::Impl::write_header(std::span<std::byte> slot, proto::MessageKind kind) {
  proto::MessageHeader header;
  header.kind = static_cast<std::uint8_t>(kind);
  header.flags = receive_credits_.late() ? proto::kFlagLateReceives : 0;
  header.credits = static_cast<std::uint32_t>(receive_credits_.posted());
  header.sequence = next_sequence_;
  proto::store(slot, header);
}

// Memory of no region is translated where the NIC reads no other.
Code Endpoint::Impl::add_users(auto& descriptor, ConstBuffer buffer, tlb::Use use,
                               tlb::TranslationId& translation) {
  const std::span<const std::byte> memory = buffer.memory();
  if (memory.empty()) return Code::kOk;
  const std::byte* bytes = memory.data();
  std::uint32_t lkey = buffer.lkey();
  if (lkey == proto::kAnyMemoryLkey && path_->tlb() != nullptr) {
    const auto translated = path_->tlb()->translate(memory, use);
    if (!translated) return translated.error();
    lkey = translated->lkey;
    translation = translated->id;
    if (translated->copy != nullptr) bytes = translated->copy;
  }
  append(descriptor, {.address = reinterpret_cast<std::uint64_t>(bytes),
                      .bytes = static_cast<std::uint32_t>(memory.size()),
                      .lkey = lkey});
  return Code::kOk;
}

template Code Endpoint::Impl::add_users(proto::SendDescriptor&, ConstBuffer, tlb::Use,
                                        tlb::TranslationId&);

// Small payloads are copied behind the header's room of the slot, so that the user's buffer is free
// at once and the NIC reads one element.
Code Endpoint::Impl::add_payload(proto::SendDescriptor& descriptor, ConstBuffer payload,
                                 bool with_header, detail::PendingRequest& request) {
  const auto slot = memory_->send_slot(sends_.next_position());
  const std::size_t header = with_header ? header_bytes() : 0;
  if (header != 0) write_header(slot, proto::MessageKind::kData);
  const std::span<const std::byte> bytes = payload.memory();
  if (bytes.size() <= kBounceBytes) {
    if (!bytes.empty()) std::memcpy(slot.data() + header, bytes.data(), bytes.size());
    if (header + bytes.size() != 0) {
      append(descriptor, memory_->element(slot.first(header + bytes.size())));
    }
    return Code::kOk;
  }
  if (header != 0) append(descriptor, memory_->element(slot.first(header)));
  return add_users(descriptor, payload, tlb::Use::kSend, request.translation);
}

void Endpoint::Impl::use_credit() {
  send_credits_.use();
  if (std::exchange(credit_wanted_, false)) path_->forget_credit_wanted(id_);
}

Code Endpoint::Impl::post_send(ConstBuffer message, std::uint64_t cookie,
                               std::optional<std::uint32_t> immediate) {
  const std::lock_guard guard{path_->lock()};
  if (const Code code = admit(message.memory(), header_bytes()); code != Code::kOk) return code;
  if (const Code code = admit_send(true); code != Code::kOk) return code;
  if (state_ != State::kOpen) return flush_at_once(Operation::kSend, cookie);
  if (send_credits_.late() && !message.memory().empty()) [[unlikely]] {
    return post_in_pieces(message, cookie, immediate);
  }
  proto::SendDescriptor descriptor{
      .opcode = immediate ? WorkOpcode::kSendImmediate : WorkOpcode::kSend,
      .immediate = immediate.value_or(0)};
  detail::PendingRequest request{.cookie = cookie, .operation = Operation::kSend};
  Code code = add_payload(descriptor, message, true, request);
  if (code == Code::kOk) {
    code = submit(descriptor, request);
    if (code == Code::kOk) on_header_sent();
    return code;
  }
  return go_in_pieces(code, message.memory().size()) ? post_in_pieces(message, cookie, immediate)
                                                     : code;
}

void Endpoint::Impl::on_header_sent() {
  if (!uses_headers()) return;
  use_credit();
  receive_credits_.on_advertised();
  ++next_sequence_;
}

Code Endpoint::Impl::post_write(ConstBuffer source, RemoteBuffer target, std::uint64_t cookie,
                                std::optional<std::uint32_t> immediate) {
  const std::lock_guard guard{path_->lock()};
  if (const Code code = admit(source.memory(), 0); code != Code::kOk) return code;
  if (const Code code = admit_send(immediate.has_value()); code != Code::kOk) return code;
  if (state_ != State::kOpen) return flush_at_once(Operation::kWrite, cookie);
  proto::SendDescriptor descriptor{
      .opcode = immediate ? WorkOpcode::kWriteImmediate : WorkOpcode::kWrite,
      .immediate = immediate.value_or(0)};
  set_target(descriptor, target);
  detail::PendingRequest request{.cookie = cookie, .operation = Operation::kWrite};
  Code code = add_payload(descriptor, source, false, request);
  if (code == Code::kOk) code = submit(descriptor, request);
  if (code == Code::kOk && immediate && uses_headers()) use_credit();
  return code;
}

Code Endpoint::Impl::post_read(MutableBuffer target, RemoteBuffer source, std::uint64_t cookie) {
  const std::lock_guard guard{path_->lock()};
  if (const Code code = admit(target.memory(), 0); code != Code::kOk) return code;
  if (const Code code = admit_send(false); code != Code::kOk) return code;
  if (state_ != State::kOpen) return flush_at_once(Operation::kRead, cookie);
  proto::SendDescriptor descriptor{.opcode = WorkOpcode::kRead};
  set_target(descriptor, source);
  detail::PendingRequest request{.cookie = cookie, .operation = Operation::kRead};
  const Code code = add_users(descriptor, target, tlb::Use::kTarget, request.translation);
  return code == Code::kOk ? submit(descriptor, request) : code;
}

Code Endpoint::Impl::post_atomic(Operation operation, std::uint64_t& original, RemoteBuffer target,
                                 std::uint64_t compare, std::uint64_t swap_or_add,
                                 std::uint64_t cookie) {
  const std::lock_guard guard{path_->lock()};
  if (target.address % sizeof(original) != 0) return Code::kInvalidArgument;
  const auto memory = std::as_writable_bytes(std::span{&original, 1});
  if (const Code code = admit(memory, 0); code != Code::kOk) return code;
  if (const Code code = admit_send(false); code != Code::kOk) return code;
  if (state_ != State::kOpen) return flush_at_once(operation, cookie);
  proto::SendDescriptor descriptor{.opcode = operation == Operation::kCompareSwap
                                                 ? WorkOpcode::kCompareSwap
                                                 : WorkOpcode::kFetchAdd,
                                   .compare = compare,
                                   .swap_or_add = swap_or_add};
  set_target(descriptor, target);
  detail::PendingRequest request{.cookie = cookie, .operation = operation};
  const Code code = add_users(descriptor, memory, tlb::Use::kTarget, request.translation);
  return code == Code::kOk ? submit(descriptor, request) : code;
}

Code Endpoint::Impl::post_receive(MutableBuffer buffer, std::uint64_t cookie) {
  const std::lock_guard guard{path_->lock()};
  if (const Code refused = admit(buffer.memory(), 0); refused != Code::kOk) return refused;
  if (receives_unseen_ == options_.receive_entries) {
    path_->counters().queue_would_block.add();
    return Code::kWouldBlock;
  }
  if (state_ != State::kOpen) return flush_at_once(Operation::kReceive, cookie);
  proto::ReceiveDescriptor descriptor{.cookie = detail::make_cookie(id_, WorkKind::kReceive)};
  if (uses_headers()) {
    append(descriptor, memory_->element(memory_->receive_header(receives_.next_position())));
  }
  detail::PendingRequest request{
      .cookie = cookie, .operation = Operation::kReceive, .kind = WorkKind::kReceive};
  const Code code = add_users(descriptor, buffer, tlb::Use::kReceive, request.translation);
  const bool late = no_room(code) && uses_headers();
  if (code != Code::kOk && !late) return code;
  if (!path_->nic()->post_receive(address_.qpn, descriptor, Now{})) {
    release(request);
    return Code::kWouldBlock;
  }
  if (uses_headers()) memory_->receive_buffer(receives_.next_position()) = buffer.memory();
  receives_.push(request);
  ++receives_unseen_;
  if (late) [[unlikely]] {
    receive_credits_.on_posted_late();
    path_->counters().late_receives.add();
  } else {
    receive_credits_.on_posted();
  }
  note_credits();
  path_->after_post();
  return Code::kOk;
}

bool Endpoint::Impl::write_to_peer(WorkKind kind, std::size_t offset,
                                   std::span<const std::byte> value) {
  proto::SendDescriptor descriptor{.cookie = detail::make_cookie(id_, kind),
                                   .opcode = WorkOpcode::kWrite,
                                   .remote_address = peer_words_.address + offset,
                                   .rkey = peer_words_.rkey};
  append(descriptor, memory_->stage(offset, value));
  if (!path_->nic()->post_send(address_.qpn, descriptor, Now{})) return false;
  sends_.push({.cookie = 0, .operation = Operation::kWrite, .kind = kind});
  return true;
}

// The update waits for the next poll: a message posted until then carries the credits for nothing.
void Endpoint::Impl::note_credits() {
  if (!uses_headers() || credit_noted_ || !receive_credits_.update_due()) return;
  credit_noted_ = true;
  path_->note_credit_due(id_);
}

void Endpoint::Impl::send_credit_update() {
  credit_noted_ = false;
  if (state_ != State::kOpen || credit_update_under_way_ || !receive_credits_.update_due()) return;
  using enum proto::MessageKind;
  const proto::CountWord update{receive_credits_.late() ? kLateCredit : kCredit,
                                static_cast<std::uint32_t>(receive_credits_.posted())};
  if (!write_to_peer(WorkKind::kCreditUpdate, offsetof(proto::PeerWords, credit),
                     std::as_bytes(std::span{&update, 1}))) {
    return;
  }
  credit_update_under_way_ = true;
  receive_credits_.on_advertised();
  path_->counters().credit_updates.add();
}

}  // namespace mapwire
