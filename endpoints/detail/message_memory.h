// The NIC-reachable memory of one endpoint besides the user's: message headers, slots for copied
// payloads, and the words that the two sides write to one another.
//
// Threads: guarded by the context's lock.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "mapwire/endpoints/detail/nic_memory.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/proto/message_header.h"
#include "mapwire/proto/peer_words.h"
#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::detail {

// Two pieces, each registered by itself. The words are written on every connection: those that the
// peer writes, and those that our own updates are sent from, which the same peer is told anyway.
// The slots are written one by one as messages come and go: a header per receive, a header with
// room for a copied payload per send.
class MessageMemory {
 public:
  // Errors: those of NicMemory::register_memory.
  static std::expected<MessageMemory, Error> create(NicMemory& memory, std::size_t sends,
                                                    std::size_t receives);

  // Ends the keys. The NIC must not use the memory any more. Call once, before the NIC dies.
  void deregister(NicMemory& memory);

  // The slot of a send at `position`: a header's room, then kBounceBytes.
  std::span<std::byte> send_slot(std::size_t position) {
    return {sends_ + position * kSendStride, sizeof(proto::MessageHeader) + kBounceBytes};
  }
  // The header's room of a receive at `position`.
  std::span<std::byte> receive_header(std::size_t position) {
    return {receives_ + position * sizeof(proto::MessageHeader), sizeof(proto::MessageHeader)};
  }
  // The user's buffer of the same receive: for a message that comes in pieces.
  std::span<std::byte>& receive_buffer(std::size_t position) { return buffers_[position]; }

  // What the peer wrote last into the word there. One read; nothing is to be believed of it.
  template <class Word>
  Word peers_word(std::size_t offset) const {
    static_assert(sizeof(Word) == sizeof(std::uint64_t));
    const auto* words = reinterpret_cast<const std::byte*>(&words_->from_peer);
    return std::bit_cast<Word>(load_word(words + offset));
  }
  // Where the peer writes them: PeerWords.
  RemoteBuffer words_target() const;
  // Puts `value` where it is written to the peer from. Precondition: the last write from there is
  // over.
  proto::Sge stage(std::size_t offset, std::span<const std::byte> value);

  // A scatter element for `memory`, a part of a slot.
  proto::Sge element(std::span<const std::byte> memory) const {
    return {.address = reinterpret_cast<std::uint64_t>(memory.data()),
            .bytes = static_cast<std::uint32_t>(memory.size()),
            .lkey = slots_lkey_};
  }

 private:
  // Whole cache lines, so that the copy of one message never shares a line with another's.
  static constexpr std::size_t kSendStride = 320;
  static_assert(kSendStride >= sizeof(proto::MessageHeader) + kBounceBytes &&
                kSendStride % proto::kCacheLine == 0);

  struct alignas(proto::kCacheLine) Words {
    alignas(std::uint64_t) proto::PeerWords from_peer;
    alignas(std::uint64_t) proto::PeerWords to_peer;
  };
  MessageMemory(std::size_t sends, std::size_t receives);
  static std::uint64_t load_word(const std::byte* word);

  std::unique_ptr<Words> words_ = std::make_unique<Words>();
  std::unique_ptr<std::span<std::byte>[]> buffers_;
  LazyMemory slots_;
  std::byte* receives_;
  std::byte* sends_;
  MemoryKeys word_keys_;
  // A NIC that reads any memory finds it without a key, which saves it looking one up.
  std::uint32_t words_lkey_ = proto::kSteadyMemoryLkey;
  std::uint32_t slots_lkey_ = proto::kSteadyMemoryLkey;
};

}  // namespace mapwire::detail
