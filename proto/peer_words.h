// The words of an endpoint that its peer writes by RDMA WRITE (docs/profiles.md): credits, and what
// a rendezvous needs besides the message itself. They are zero until they are first written. A
// write may be seen in part while it lands, but each word as a whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mapwire/proto/endian.h"
#include "mapwire/proto/message_header.h"

namespace mapwire::proto {

// A number of 48 bits, and above it the low 16 bits of the number of the piece it belongs to. So a
// reader who knows which piece is next sees whether the word is already that piece's.
class PieceWord {
 public:
  constexpr PieceWord() = default;
  // Precondition: value < 2^48.
  constexpr PieceWord(std::uint64_t piece, std::uint64_t value)
      : raw_{(piece << kValueBits) | value} {}

  constexpr bool belongs_to(std::uint64_t piece) const {
    return raw_ >> kValueBits == (piece & kPieceMask);
  }
  constexpr std::uint64_t value() const { return raw_ & kValueMax; }

  static constexpr unsigned kValueBits = 48;
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << kValueBits) - 1;

 private:
  static constexpr std::uint64_t kPieceMask = 0xffff;

  be64 raw_;
};
static_assert(sizeof(PieceWord) == 8 && WireStruct<PieceWord>);

// Memory that holds the next bytes of the message, for the peer to read. Pieces are numbered from 1
// over the life of the connection.
struct PieceOffer {
  PieceWord address;
  PieceWord rkey;
  PieceWord bytes;
  PieceWord message_bytes;  // of the whole message
};
static_assert(sizeof(PieceOffer) == 32 && WireStruct<PieceOffer>);

// Pieces that were read so far: their memory is their owner's again.
struct PulledUpdate {
  std::uint8_t version = kMessageVersion;
  std::uint8_t kind = static_cast<std::uint8_t>(MessageKind::kRendezvous);
  be16 mark = kCreditMark;
  be32 pieces;  // modulo 2^32
};
static_assert(sizeof(PulledUpdate) == 8 && WireStruct<PulledUpdate>);

// Offered and not yet pulled: one is read while the next is pinned.
inline constexpr std::size_t kOffersMax = 2;

struct PeerWords {
  CreditUpdate credit{.version = 0, .kind = 0, .mark = 0, .credits = 0};
  PulledUpdate pulled{.version = 0, .kind = 0, .mark = 0, .pieces = 0};
  std::array<PieceOffer, kOffersMax> offers;  // piece n in offers[n % kOffersMax]
};
static_assert(sizeof(PeerWords) == 80 && WireStruct<PeerWords>);
static_assert(offsetof(PeerWords, pulled) == 8 && offsetof(PeerWords, offers) == 16);

}  // namespace mapwire::proto
