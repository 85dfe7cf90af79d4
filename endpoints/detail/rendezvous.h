// Messages that go in pieces (docs/profiles.md): because the sender can not pin them as a whole, or
// because the receiver has not pinned where they go. The sender sends a header alone and offers
// piece after piece to be read; the receiver reads them and tells how many it has. One message at a
// time goes so in each direction of a connection.
//
// Threads: guarded by the context's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/memory.h"
#include "mapwire/proto/peer_words.h"

namespace mapwire::detail {

// The message that we send.
struct OfferedMessage {
  std::span<const std::byte> memory;
  std::uint64_t cookie = 0;     // the user's
  std::size_t offered = 0;      // bytes
  bool header_arrived = false;  // and so everything that was sent before
};

// Our pieces over the life of the connection. Those not pulled are exposed to the peer.
struct OfferedPieces {
  std::uint64_t offered = 0;
  std::uint64_t written = 0;  // whose offer has arrived
  std::uint64_t pulled = 0;
  std::array<std::uint32_t, proto::kOffersMax> lkeys{};  // of piece n: n % kOffersMax

  bool may_offer() const {
    return offered - pulled < proto::kOffersMax && offered - written < proto::kOffersMax;
  }
};

// The message that we receive.
struct PulledMessage {
  std::span<std::byte> buffer;  // the user's
  Completion completion;        // what the user gets when all is there
  std::size_t pulled = 0;       // bytes
  // What is left of the piece that is being read. Nothing: the next is awaited.
  RemoteBuffer piece{};
  bool reading = false;
  std::size_t read_bytes = 0;

  // All is there. The length is known with the first piece, and never zero.
  bool whole() const { return pulled != 0 && pulled == completion.bytes; }
};

// The peer's pieces over the life of the connection.
struct PulledPieces {
  std::uint64_t pulled = 0;
  std::uint64_t told = 0;
  bool telling = false;  // a write is under way
};

// Whether messages of either direction move on.
struct RendezvousWatch {
  std::uint64_t progress_ns = 0;  // when something last moved
  std::uint64_t looked_ns = 0;
  bool noted = false;  // in the data path's list
};

}  // namespace mapwire::detail
