// The two ends of a single-producer single-consumer ring (layout: proto/ring_layout.h) in memory
// that the peer may also write. Each end keeps its own index privately and believes the peer's only
// within the range the ring can hold; an entry is copied out once, so that it can be checked after
// the peer lost its grip on it. The memory belongs to the caller and outlives both ends. One thread
// per end at a time.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/barrier.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

template <class T>
concept RingEntry = std::is_trivially_copyable_v<T>;

inline bool is_ring_size(std::uint32_t entries) {
  return std::has_single_bit(entries) && entries <= proto::kRingEntriesMax;
}

inline bool is_ring_aligned(std::span<const std::byte> memory) {
  return reinterpret_cast<std::uintptr_t>(memory.data()) % proto::kCacheLine == 0;
}

// Formats `memory` as an empty ring. Precondition (the program ends otherwise): `memory` is aligned
// to a cache line and at least ring_bytes(entries, sizeof(T)) long, `entries` is a power of two <=
// kRingEntriesMax.
template <RingEntry T>
void format_ring(std::span<std::byte> memory, std::uint32_t entries, std::uint32_t entry_version) {
  if (!is_ring_size(entries) || !is_ring_aligned(memory) ||
      memory.size() < proto::ring_bytes(entries, sizeof(T))) {
    std::abort();
  }
  auto* header = new (memory.data()) proto::RingHeader{};
  header->magic = proto::kRingMagic;
  header->version = proto::kRingVersion;
  header->entry_version = entry_version;
  header->entries = entries;
  header->entry_bytes = sizeof(T);
  header->tail = proto::kRingFirstIndex;
  header->head = proto::kRingFirstIndex;
}

// What both ends share. Use RingProducer or RingConsumer.
template <RingEntry T>
class RingEnd {
 public:
  // The number of entries the ring holds.
  std::uint32_t capacity() const { return entries_; }
  // True once the peer's index was impossible. The end then behaves as full or empty for ever: the
  // owner gives the ring up (kRingCorrupt).
  bool corrupt() const { return corrupt_; }

 protected:
  // Checks the header against the entry type and returns the number of entries, read once;
  // kRingCorrupt if it does not describe this ring.
  static std::expected<std::uint32_t, Error> check(std::span<std::byte> memory,
                                                   std::uint32_t entry_version) {
    if (memory.size() < sizeof(proto::RingHeader)) return bad_ring("memory shorter than a header");
    if (!is_ring_aligned(memory)) return bad_ring("memory not aligned to a cache line");
    const auto* header = reinterpret_cast<const proto::RingHeader*>(memory.data());
    if (read_once(header->magic) != proto::kRingMagic) return bad_ring("wrong magic number");
    if (read_once(header->version) != proto::kRingVersion) return bad_ring("another ring version");
    if (read_once(header->entry_version) != entry_version) return bad_ring("another entry version");
    if (read_once(header->entry_bytes) != sizeof(T)) return bad_ring("another entry size");
    const std::uint32_t entries = read_once(header->entries);
    if (!is_ring_size(entries)) return bad_ring("entry count is no power of two in range");
    if (memory.size() < proto::ring_bytes(entries, sizeof(T))) return bad_ring("memory too short");
    return entries;
  }

  // `entries` is what check() returned; the shared header is not believed again.
  RingEnd(std::span<std::byte> memory, std::uint32_t entries)
      : header_{reinterpret_cast<proto::RingHeader*>(memory.data())},
        slots_{memory.data() + sizeof(proto::RingHeader)},
        entries_{entries} {}

  std::byte* slot(std::uint32_t index) { return slots_ + (index & (entries_ - 1)) * sizeof(T); }

  proto::RingHeader* header_;
  std::byte* slots_;
  std::uint32_t entries_;
  // This end's index; the shared word is only ever written from it.
  std::uint32_t own_ = proto::kRingFirstIndex;
  std::uint32_t peer_ = proto::kRingFirstIndex;  // the last believable value of the peer's index
  bool corrupt_ = false;

 private:
  static std::unexpected<Error> bad_ring(const char* cause) {
    return std::unexpected(Error::make(
        Code::kRingCorrupt, ErrorScope::kEndpoint,
        std::string{"ring refused: "} + cause + "; close the connection and set it up again"));
  }
};

// The writing end.
template <RingEntry T>
class RingProducer : private RingEnd<T> {
  using Base = RingEnd<T>;

 public:
  using Base::capacity;
  using Base::corrupt;

  // Opens the producer end of a ring that format_ring made and nothing was pushed to yet.
  static std::expected<RingProducer, Error> open(std::span<std::byte> memory,
                                                 std::uint32_t entry_version) {
    auto entries = Base::check(memory, entry_version);
    if (!entries) return std::unexpected(entries.error());
    return RingProducer{memory, *entries};
  }

  // Entries that may be pushed now.
  std::uint32_t free_entries() {
    const std::uint32_t head = acquire_from_peer(Base::header_->head);  // its slots are read
    // The consumer can have taken no more than was pushed and can not go back.
    if (Base::own_ - head > Base::own_ - Base::peer_) Base::corrupt_ = true;
    if (Base::corrupt_) return 0;
    Base::peer_ = head;
    return Base::entries_ - (Base::own_ - head);
  }

  // Appends a copy of `entry` and publishes it; false if the ring is full or corrupt.
  bool try_push(const T& entry) {
    if (Base::own_ - Base::peer_ == Base::entries_ || Base::corrupt_) {
      if (free_entries() == 0) return false;
    }
    std::memcpy(Base::slot(Base::own_), &entry, sizeof(T));
    ++Base::own_;
    publish_to_peer(Base::header_->tail,
                    Base::own_);  // the consumer sees the entry before the tail
    return true;
  }

 private:
  RingProducer(std::span<std::byte> memory, std::uint32_t entries) : Base{memory, entries} {}
};

// The reading end.
template <RingEntry T>
class RingConsumer : private RingEnd<T> {
  using Base = RingEnd<T>;

 public:
  using Base::capacity;
  using Base::corrupt;

  // Opens the consumer end of a ring that format_ring made and nothing was popped from yet.
  static std::expected<RingConsumer, Error> open(std::span<std::byte> memory,
                                                 std::uint32_t entry_version) {
    auto entries = Base::check(memory, entry_version);
    if (!entries) return std::unexpected(entries.error());
    return RingConsumer{memory, *entries};
  }

  // Entries that may be popped now.
  std::uint32_t available() {
    const std::uint32_t tail = acquire_from_peer(Base::header_->tail);  // its entries are written
    // The producer can be ahead by no more than the ring holds and can not go back.
    if (tail - Base::own_ > Base::entries_ || tail - Base::own_ < Base::peer_ - Base::own_) {
      Base::corrupt_ = true;
    }
    if (Base::corrupt_) return 0;
    Base::peer_ = tail;
    return tail - Base::own_;
  }

  // Copies the oldest entry out and frees its slot; nothing if the ring is empty or corrupt. The
  // copy is the consumer's own: check it and use it, never the ring's memory again.
  std::optional<T> try_pop() {
    if (Base::own_ == Base::peer_ || Base::corrupt_) {
      if (available() == 0) return std::nullopt;
    }
    T entry;
    std::memcpy(&entry, Base::slot(Base::own_), sizeof(T));
    ++Base::own_;
    publish_to_peer(Base::header_->head, Base::own_);  // the producer may overwrite what was copied
    return entry;
  }

 private:
  RingConsumer(std::span<std::byte> memory, std::uint32_t entries) : Base{memory, entries} {}
};

}  // namespace mapwire
