// Receiving a message in pieces: each that the peer offers is read into the user's buffer, of which
// no more is pinned at a time.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {

using detail::WorkKind;
using proto::PieceOffer;

namespace {

constexpr std::uint64_t kAbsentNs = 250'000'000;

}  // namespace

void Endpoint::Impl::begin_pull(std::span<std::byte> buffer, const Completion& completion) {
  pulled_ = {.buffer = buffer, .completion = completion};
  path_->counters().received_in_pieces.add();
  note_rendezvous();
}

// Nothing: it is not there yet.
std::optional<PieceOffer> Endpoint::Impl::next_offer() const {
  const std::uint64_t number = pulled_pieces_.pulled + 1;
  const std::size_t offset =
      offsetof(proto::PeerWords, offers) + number % proto::kOffersMax * sizeof(PieceOffer);
  std::array<std::uint64_t, sizeof(PieceOffer) / sizeof(std::uint64_t)> words{};
  // What lies between is there when both ends are, and not sooner.
  for (const std::size_t i : {4UL, 0UL, 1UL, 2UL, 3UL}) {
    words[i] = memory_->peers_word<std::uint64_t>(offset + i * sizeof(std::uint64_t));
  }
  const auto offer = std::bit_cast<PieceOffer>(words);
  return offer.is_of(number) ? std::optional{offer} : std::nullopt;
}

// kWouldBlock: it is not there yet.
Code Endpoint::Impl::take_offer() {
  const auto offer = next_offer();
  if (!offer) return Code::kWouldBlock;
  std::uint64_t& message_bytes = pulled_->completion.bytes;
  if (pulled_->pulled == 0) message_bytes = offer->message_bytes;
  if (message_bytes > pulled_->buffer.size()) return Code::kReceiveTooSmall;
  if (offer->bytes == 0 || offer->bytes > message_bytes - pulled_->pulled ||
      offer->message_bytes != message_bytes) {
    return Code::kProtocolError;
  }
  pulled_->piece = {.address = offer->address, .bytes = offer->bytes, .rkey = offer->rkey};
  return Code::kOk;
}

// kWouldBlock: there is no room now.
Code Endpoint::Impl::read_on() {
  const std::span<std::byte> rest = pulled_->buffer.subspan(pulled_->pulled);
  const std::size_t bytes = path_->memory().first_piece(rest.first(pulled_->piece.bytes)).size();
  proto::SendDescriptor descriptor{.cookie = detail::make_cookie(id_, WorkKind::kPull),
                                   .opcode = proto::WorkOpcode::kRead,
                                   .remote_address = pulled_->piece.address,
                                   .rkey = pulled_->piece.rkey};
  detail::PendingRequest request{.operation = Operation::kRead, .kind = WorkKind::kPull};
  const Code code = add_users(descriptor, MutableBuffer{rest.first(bytes)}, tlb::Use::kTarget,
                              request.translation);
  if (code != Code::kOk) return code;
  if (!path_->nic()->post_send(address_.qpn, descriptor, Now{})) {
    release(request);
    return Code::kWouldBlock;
  }
  sends_.push(request);
  pulled_->reading = true;
  pulled_->read_bytes = bytes;
  rendezvous_.progress_ns = now_ns();
  return Code::kOk;
}

void Endpoint::Impl::on_read(const proto::CompletionEntry& entry) {
  if (!pulled_) return;  // it was given up
  if (const Code status = static_cast<Code>(entry.status); status != Code::kOk) {
    give_up_pull(status);
    return fail_for(status, "reading a piece of a message failed");
  }
  pulled_->reading = false;
  pulled_->pulled += pulled_->read_bytes;
  pulled_->piece.address += pulled_->read_bytes;
  pulled_->piece.bytes -= pulled_->read_bytes;
  rendezvous_.progress_ns = now_ns();
  if (pulled_->piece.bytes != 0) return;
  ++pulled_pieces_.pulled;
  tell_pulled();
}

// The user gets the message when the peer knows that it has arrived: whatever the user does then,
// the send will complete too.
void Endpoint::Impl::on_told() {
  pulled_pieces_.telling = false;
  rendezvous_.progress_ns = now_ns();
  if (pulled_ && pulled_->whole() && pulled_pieces_.told == pulled_pieces_.pulled) {
    deliver(std::exchange(pulled_, std::nullopt)->completion);
  }
}

void Endpoint::Impl::give_up_pull(Code status) {
  if (!pulled_) return;
  Completion failed = std::exchange(pulled_, std::nullopt)->completion;
  failed.status = status;
  failed.bytes = 0;
  deliver(failed);
}

void Endpoint::Impl::tell_pulled() {
  if (pulled_pieces_.telling || pulled_pieces_.told == pulled_pieces_.pulled) return;
  const proto::CountWord update{proto::MessageKind::kRendezvous,
                                static_cast<std::uint32_t>(pulled_pieces_.pulled)};
  if (!write_to_peer(WorkKind::kPulledUpdate, offsetof(proto::PeerWords, pulled),
                     std::as_bytes(std::span{&update, 1}))) {
    return;
  }
  pulled_pieces_.told = pulled_pieces_.pulled;
  pulled_pieces_.telling = true;
}

void Endpoint::Impl::progress_pull() {
  tell_pulled();
  if (!pulled_ || pulled_->reading || pulled_->whole()) return;
  Code code = pulled_->piece.bytes == 0 ? take_offer() : Code::kOk;
  if (code == Code::kOk) code = read_on();
  if (code == Code::kOk || code == Code::kWouldBlock) return;
  give_up_pull(code);
  fail_for(code, "a message in pieces can not be received");
}

// What is stuck has the cause for its status.
void Endpoint::Impl::fail_pieces(Code code, std::string_view what) {
  if (!offered_) give_up_pull(code);
  fail_for(code, what, code);
}

bool Endpoint::Impl::progress_rendezvous() {
  if (leases_) return await_lease();
  if (state_ == State::kOpen) progress_pull();
  if (state_ == State::kOpen && offered_) progress_offered();
  const bool more = state_ == State::kOpen && (offered_ || pulled_ || pulled_pieces_.telling ||
                                               pulled_pieces_.told != pulled_pieces_.pulled);
  const std::uint64_t now = now_ns();
  const std::uint64_t absent_ns = now - std::exchange(rendezvous_.looked_ns, now);
  // Nobody has looked: that is no silence of the peer's.
  if (absent_ns > kAbsentNs) rendezvous_.progress_ns = now;
  if (more && now - rendezvous_.progress_ns > options_.deadline_ns) {
    fail_pieces(Code::kRetryExceeded, "the rest of a message in pieces did not come or go");
    return false;
  }
  if (!more) rendezvous_.noted = false;
  return more;
}

}  // namespace mapwire
