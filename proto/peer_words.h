// The words of an endpoint that its peer writes by RDMA WRITE (docs/profiles.md): credits, and what
// a rendezvous needs besides the message itself. They are zero until they are first written. A NIC
// may copy byte after byte (Soft-RoCE does), so that a reader sees a part of what is written beside
// what was there before. Each tells by itself whether it is whole, if the bytes land in their
// order, upwards or downwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mapwire/proto/endian.h"
#include "mapwire/proto/message_header.h"

namespace mapwire::proto {

// Credits where no message carries them, or pieces that were read.
class CountWord {
 public:
  constexpr CountWord() = default;  // never written
  // kCredit, kLateCredit: receives posted so far, as in MessageHeader. kRendezvous: pieces read so
  // far, whose memory is its owner's again. Modulo 2^32.
  constexpr CountWord(MessageKind kind, std::uint32_t count)
      : check_{check_of(kind, count)}, count_{count} {}

  // False: of another kind, never written, or seen in part.
  constexpr bool is(MessageKind kind) const { return check_ == check_of(kind, count_); }
  constexpr std::uint32_t count() const { return count_; }

 private:
  // Each byte of a count has its complement in the check, so a part of a word fits only where it is
  // as the rest. Kinds differ in the first byte and the last, and not as two counts do of which one
  // is less than 2^15 ahead: a part does not fit as another kind either.
  static constexpr std::uint32_t check_of(MessageKind kind, std::uint32_t count) {
    return ~count ^ 0x4d57'0000U ^ static_cast<std::uint32_t>(kind) * 0x4100'0041U;
  }

  be32 check_;
  be32 count_;
};
static_assert(sizeof(CountWord) == 8 && WireStruct<CountWord>);

// Memory that holds the next bytes of the message, for the peer to read. Pieces are numbered from 1
// over the life of the connection. With its number at both ends all between is there.
struct PieceOffer {
  be32 number;  // modulo 2^32
  be32 rkey;
  be64 address;
  be64 bytes;
  be64 message_bytes;  // of the whole message
  be32 reserved;
  be32 number_again;

  // False: of another piece, never written, or seen in part.
  constexpr bool is_of(std::uint64_t piece) const {
    const auto expected = static_cast<std::uint32_t>(piece);
    return number == expected && number_again == expected;
  }
};
static_assert(sizeof(PieceOffer) == 40 && WireStruct<PieceOffer>);

// Offered and not yet pulled: one is read while the next is pinned.
inline constexpr std::size_t kOffersMax = 2;

struct PeerWords {
  CountWord credit;
  CountWord pulled;
  std::array<PieceOffer, kOffersMax> offers;  // piece n in offers[n % kOffersMax]
};
static_assert(sizeof(PeerWords) == 96 && WireStruct<PeerWords>);
static_assert(offsetof(PeerWords, pulled) == 8 && offsetof(PeerWords, offers) == 16);

}  // namespace mapwire::proto
