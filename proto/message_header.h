// The header of a message under the profile `mapwire` (docs/profiles.md). It precedes the user's
// bytes in a scatter element of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/proto/endian.h"

namespace mapwire::proto {

inline constexpr std::uint8_t kMessageVersion = 1;

// What a message is. Those that are not sent have their numbers reserved, so that a peer of this
// version refuses them instead of taking them for data.
enum class MessageKind : std::uint8_t {
  kData = 1,
  kCredit = 2,      // of a written count (peer_words.h); refused in a message
  kRendezvous = 3,  // the header alone: the receiver reads the bytes in pieces (peer_words.h)
  kLease = 4,
  kNotify = 5,
  kLateCredit = 6,  // of a written count: as kFlagLateReceives
};

// Some receives of the sender that are not consumed have no memory that is pinned: whatever is not
// empty is to come by rendezvous.
inline constexpr std::uint8_t kFlagLateReceives = 1;

struct MessageHeader {
  std::uint8_t version = kMessageVersion;  // never moves
  std::uint8_t kind = static_cast<std::uint8_t>(MessageKind::kData);
  std::uint8_t flags = 0;     // kFlagLateReceives
  std::uint8_t reserved = 0;  // zero when sent, checked when received
  be32 credits;               // receives the sender has posted so far, modulo 2^32
  be64 sequence;              // number of this message among those with a header, from 0
};
static_assert(sizeof(MessageHeader) == 16 && WireStruct<MessageHeader>);
static_assert(offsetof(MessageHeader, credits) == 4 && offsetof(MessageHeader, sequence) == 8);

}  // namespace mapwire::proto
