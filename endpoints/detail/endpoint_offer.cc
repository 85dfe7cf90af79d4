// Sending a message in pieces: its header alone, then offers of its pieces, each of which is
// exposed to the peer until it has read it.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/proto/endian.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {

using detail::WorkKind;
using proto::PieceOffer;

namespace {

std::size_t offset_of_offer(std::uint64_t piece) {
  return offsetof(proto::PeerWords, offers) + piece % proto::kOffersMax * sizeof(PieceOffer);
}

std::uint32_t& lkey_of(detail::OfferedPieces& pieces, std::uint64_t piece) {
  return pieces.lkeys[piece % proto::kOffersMax];
}

}  // namespace

// A message that is larger than a piece does not wait until it has room as a whole.
bool Endpoint::Impl::go_in_pieces(Code refused, std::size_t bytes) const {
  return (refused == Code::kWouldBlock || refused == Code::kLimitReached) && uses_headers() &&
         bytes > path_->memory().piece_bytes();
}

// The first piece is exposed before anything is sent, so that what can not be is refused here.
Code Endpoint::Impl::post_in_pieces(ConstBuffer message, std::uint64_t cookie,
                                    std::optional<std::uint32_t> immediate) {
  const auto slot = memory_->send_slot(sends_.next_position());
  const auto header = slot.first(sizeof(proto::MessageHeader));
  std::span<const std::byte> memory = message.memory();
  if (memory.size() <= kBounceBytes) {
    const auto copy = slot.subspan(header.size(), memory.size());
    std::memcpy(copy.data(), memory.data(), memory.size());
    memory = copy;  // nothing else is copied there before this message is over
  }
  const auto piece = path_->memory().first_piece(memory);
  const auto keys = path_->memory().expose(piece);
  if (!keys) return keys.error();
  write_header(header, proto::MessageKind::kRendezvous);
  proto::SendDescriptor descriptor{
      .cookie = detail::make_cookie(id_, WorkKind::kHeader),
      .opcode = immediate ? proto::WorkOpcode::kSendImmediate : proto::WorkOpcode::kSend,
      .sge_count = 1,
      .immediate = immediate.value_or(0)};
  descriptor.sge[0] = memory_->element(header);
  if (!path_->nic()->post_send(address_.qpn, descriptor, Now{})) {
    path_->memory().conceal(keys->lkey);
    return Code::kWouldBlock;
  }
  sends_.push({.operation = Operation::kSend, .kind = WorkKind::kHeader});
  ++sends_unseen_;
  on_header_sent();
  offered_ = {.memory = memory, .cookie = cookie};
  offer(piece, *keys);
  path_->counters().sent_in_pieces.add();
  note_rendezvous();
  path_->after_post();
  return Code::kOk;
}

void Endpoint::Impl::note_rendezvous() {
  rendezvous_.progress_ns = rendezvous_.looked_ns = now_ns();
  if (!std::exchange(rendezvous_.noted, true)) path_->note_rendezvous(id_);
}

// False: nothing is offered, and it is to be tried again.
bool Endpoint::Impl::offer(std::span<const std::byte> piece, const MemoryKeys& keys) {
  const std::uint64_t number = offered_pieces_.offered + 1;
  const auto mark = static_cast<std::uint32_t>(number);
  const PieceOffer words{.number = mark,
                         .rkey = keys.rkey,
                         .address = reinterpret_cast<std::uint64_t>(piece.data()),
                         .bytes = piece.size(),
                         .message_bytes = offered_->memory.size(),
                         .reserved = {},
                         .number_again = mark};
  if (!write_to_peer(WorkKind::kOffer, offset_of_offer(number),
                     std::as_bytes(std::span{&words, 1}))) {
    path_->memory().conceal(keys.lkey);
    return false;
  }
  offered_pieces_.offered = number;
  lkey_of(offered_pieces_, number) = keys.lkey;
  offered_->offered += piece.size();
  return true;
}

// As many pieces as may be exposed now. An error: the rest of the message never can be.
Code Endpoint::Impl::offer_more() {
  while (offered_->offered < offered_->memory.size() && offered_pieces_.may_offer()) {
    const auto piece = path_->memory().first_piece(offered_->memory.subspan(offered_->offered));
    const auto keys = path_->memory().expose(piece);
    if (!keys) {
      const bool wait =
          keys.error() == Code::kWouldBlock || offered_pieces_.offered != offered_pieces_.pulled;
      return wait ? Code::kOk : keys.error();
    }
    if (!offer(piece, *keys)) break;
    rendezvous_.progress_ns = now_ns();
  }
  return Code::kOk;
}

// False: no honest peer writes that.
bool Endpoint::Impl::take_pulled_word() {
  const auto update = memory_->peers_word<proto::CountWord>(offsetof(proto::PeerWords, pulled));
  if (!update.is(proto::MessageKind::kRendezvous)) return true;  // no news
  const std::uint32_t news = update.count() - static_cast<std::uint32_t>(offered_pieces_.pulled);
  if (news > offered_pieces_.offered - offered_pieces_.pulled) return false;
  for (std::uint32_t i = 0; i < news; ++i) {
    path_->memory().conceal(lkey_of(offered_pieces_, ++offered_pieces_.pulled));
  }
  if (news != 0) rendezvous_.progress_ns = now_ns();
  return true;
}

void Endpoint::Impl::progress_offered() {
  if (!take_pulled_word()) {
    fail_pieces(Code::kProtocolError, "the peer says that it has read what it was not offered");
    return;
  }
  if (const Code code = offer_more(); code != Code::kOk) {
    fail_pieces(code, "the next piece of a message can not be pinned");
    return;
  }
  // All of its own requests are over, as the next message needs their room.
  if (offered_->offered < offered_->memory.size() || !offered_->header_arrived ||
      offered_pieces_.pulled != offered_pieces_.offered ||
      offered_pieces_.written != offered_pieces_.offered) {
    return;
  }
  const detail::OfferedMessage done = *std::exchange(offered_, std::nullopt);
  deliver({.cookie = done.cookie,
           .endpoint = id_,
           .operation = Operation::kSend,
           .bytes = done.memory.size()});
}

}  // namespace mapwire
