// Completing: from the NIC's completion to the user's.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/proto/endian.h"

namespace mapwire {

using detail::WorkKind;

namespace {

Error broken(EndpointId id, Code code, std::string_view what) {
  std::string_view meaning = code_entry(code).meaning;
  meaning.remove_suffix(1);  // its full stop
  return Error::make(code, ErrorScope::kEndpoint,
                     fmt::format("endpoint {}: {} ({}); connect again", id, what, meaning));
}

}  // namespace

void Endpoint::Impl::release(const detail::PendingRequest& request) {
  if (request.translation != detail::kNoTranslation && path_->tlb() != nullptr) {
    path_->tlb()->release(request.translation);
  }
  if (request.gathered != 0) [[unlikely]]
    release_elements(request);
}

// A request that the NIC gives up because of something else ends nothing: what ended the queue pair
// comes with another completion or with on_nic_failure. Of a request of our own the user knows
// nothing: its failure is that of the oldest of the user's sends.
void Endpoint::Impl::fail_for(Code status, std::string_view what, Code first_send) {
  if (status == Code::kFlushed) return;
  fail_locked(broken(id_, status, what), first_send, Code::kFlushed);
}

void Endpoint::Impl::on_completion(const proto::CompletionEntry& entry) {
  if (!alive()) return;  // everything of it was completed when it ended
  const WorkKind kind = detail::kind_of(entry.cookie);
  if (kind == WorkKind::kReceive) return on_receive_completed(entry);
  if (kind == WorkKind::kSend) return on_send_completed(entry);
  on_own_completion(kind, entry);
}

void Endpoint::Impl::on_own_completion(WorkKind kind, const proto::CompletionEntry& entry) {
  switch (kind) {
    case WorkKind::kSend:
    case WorkKind::kReceive: break;
    case WorkKind::kHeader:
    case WorkKind::kOffer:
    case WorkKind::kPull:
    case WorkKind::kPulledUpdate: on_rendezvous_completion(kind, entry); return;
    case WorkKind::kNotification: on_notification(entry); return;
    case WorkKind::kProbeSend:
      sends_.pop();
      on_probe_completed(entry, probes_.sent);
      return;
    case WorkKind::kProbeReceive:
      receives_.pop();
      on_probe_completed(entry, probes_.received);
      return;
    case WorkKind::kCreditUpdate:
      sends_.pop();
      credit_update_under_way_ = false;
      if (static_cast<Code>(entry.status) == Code::kOk) {
        note_credits();
      } else {
        const auto status = static_cast<Code>(entry.status);
        fail_for(status, "telling credits failed", status);
      }
      return;
  }
  std::abort();  // a cookie that was never given
}

void Endpoint::Impl::on_rendezvous_completion(WorkKind kind, const proto::CompletionEntry& entry) {
  release(sends_.pop());
  if (kind == WorkKind::kPull) return on_read(entry);
  if (const Code status = static_cast<Code>(entry.status); status != Code::kOk) {
    return fail_for(status, "telling of a message in pieces failed", status);
  }
  if (kind == WorkKind::kHeader && offered_) offered_->header_arrived = true;
  if (kind == WorkKind::kOffer) ++offered_pieces_.written;
  if (kind == WorkKind::kPulledUpdate) on_told();
}

void Endpoint::Impl::on_probe_completed(const proto::CompletionEntry& entry, std::uint32_t& count) {
  if (static_cast<Code>(entry.status) == Code::kOk) {
    ++count;
  } else {
    probes_.failed = true;
  }
}

void Endpoint::Impl::on_send_completed(const proto::CompletionEntry& entry) {
  const detail::PendingRequest request = sends_.pop();
  if (request.kind != WorkKind::kSend) std::abort();  // completed out of order
  release(request);
  if (leases_) [[unlikely]]
    leases_->on_completed();
  const Code status = static_cast<Code>(entry.status);
  Completion completion{
      .cookie = request.cookie, .endpoint = id_, .operation = request.operation, .status = status};
  if (status != Code::kOk) {
    deliver(completion);  // before those that fail with it
    fail_for(status, "a request failed");
    return;
  }
  const bool headed = request.operation == Operation::kSend;
  completion.bytes = entry.bytes - (headed ? header_bytes() : 0);
  deliver(completion);
  if (leases_) [[unlikely]]
    post_leased();
}

void Endpoint::Impl::on_receive_completed(const proto::CompletionEntry& entry) {
  const std::size_t position = receives_.oldest_position();
  const detail::PendingRequest request = receives_.pop();
  release(request);
  const bool by_write = entry.opcode == proto::WorkOpcode::kReceiveWrite;
  Code status = static_cast<Code>(entry.status);
  bool in_pieces = false;
  if (status == Code::kOk && uses_headers()) {
    status = by_write ? Code::kOk : check_header(position, entry.bytes, in_pieces);
    if (pulled_) [[unlikely]]
      status = Code::kProtocolError;  // it overtakes a message in pieces
  }
  Completion completion{.cookie = request.cookie,
                        .endpoint = id_,
                        .operation = by_write ? Operation::kReceiveWrite : Operation::kReceive,
                        .status = status};
  if (status != Code::kOk) {
    give_up_pull(Code::kFlushed);  // it came before
    deliver(completion);
    fail_for(status, "a receive failed");
    return;
  }
  receive_credits_.on_consumed();
  note_credits();
  completion.bytes = entry.bytes - (by_write ? 0 : header_bytes());
  completion.has_immediate = (entry.flags & proto::kFlagImmediate) != 0;
  completion.immediate = entry.immediate;
  if (in_pieces) [[unlikely]]
    return begin_pull(memory_->receive_buffer(position), completion);
  deliver(completion);
}

// The peer wrote the header: it is copied once, then checked, then used.
Code Endpoint::Impl::check_header(std::size_t position, std::uint64_t message_bytes,
                                  bool& in_pieces) {
  if (message_bytes < sizeof(proto::MessageHeader)) return Code::kProtocolError;
  const auto header = proto::load<proto::MessageHeader>(memory_->receive_header(position));
  in_pieces = header.kind == static_cast<std::uint8_t>(proto::MessageKind::kRendezvous) &&
              message_bytes == sizeof(header);
  const bool late = header.flags == proto::kFlagLateReceives;
  const bool valid =
      header.version == proto::kMessageVersion &&
      (header.kind == static_cast<std::uint8_t>(proto::MessageKind::kData) || in_pieces) &&
      (header.flags == 0 || late) && header.reserved == 0 &&
      header.sequence == expected_sequence_ && send_credits_.grant(header.credits, late);
  if (!valid) return Code::kProtocolError;
  ++expected_sequence_;
  return Code::kOk;
}

bool Endpoint::Impl::take_credit_word() {
  if (send_credits_.grant_word(
          memory_->peers_word<std::uint64_t>(offsetof(proto::PeerWords, credit)))) {
    return true;
  }
  fail_locked(broken(id_, Code::kProtocolError, "the peer wrote no credits that it can have"),
              Code::kProtocolError, Code::kFlushed);
  return false;
}

bool Endpoint::Impl::wanted_credit_came() {
  return state_ != State::kOpen || !take_credit_word() || send_credits_.available();
}

void Endpoint::Impl::deliver(const Completion& completion) {
  if (bound_ && completion.operation == Operation::kWrite) [[unlikely]] {
    bound_->puts_over.fetch_add(1, std::memory_order_release);
    on_seen(completion.operation);
    return;
  }
  if (path_->complete(completion)) on_seen(completion.operation);
}

void Endpoint::Impl::on_seen(Operation operation) {
  if (operation == Operation::kNotification) [[unlikely]]
    return on_notification_seen();
  if (bound_ && operation == Operation::kRead) [[unlikely]]
    --bound_->flushes_unseen;
  const bool receive = operation == Operation::kReceive || operation == Operation::kReceiveWrite;
  --(receive ? receives_unseen_ : sends_unseen_);
}

void Endpoint::Impl::on_nic_failure(Qpn qpn, Code code) {
  if (qpn != address_.qpn || !alive()) return;
  probes_.failed = true;
  if (state_ == State::kOpen) {
    fail_locked(broken(id_, code, "the NIC gave the connection up"), code, code);
  }
}

}  // namespace mapwire
