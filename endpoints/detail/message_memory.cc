#include "mapwire/endpoints/detail/message_memory.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/proto/message_header.h"

namespace mapwire::detail {

namespace {

// Up to where the slots of sends begin with a cache line.
std::size_t header_bytes(std::size_t receives) {
  const std::size_t lines =
      (receives * sizeof(proto::MessageHeader) + proto::kCacheLine - 1) / proto::kCacheLine;
  return lines * proto::kCacheLine;
}

}  // namespace

MessageMemory::MessageMemory(std::size_t sends, std::size_t receives)
    : buffers_{std::make_unique_for_overwrite<std::span<std::byte>[]>(receives)},
      slots_{header_bytes(receives) + sends * kSendStride},
      receives_{slots_.bytes().data()},
      sends_{receives_ + header_bytes(receives)} {}

std::expected<MessageMemory, Error> MessageMemory::create(NicMemory& memory, std::size_t sends,
                                                          std::size_t receives) {
  MessageMemory made{sends, receives};
  const auto words = std::as_writable_bytes(std::span{made.words_.get(), 1});
  const auto keys = memory.register_memory(words, {.remote_write = true});
  if (!keys) return std::unexpected(keys.error());
  made.word_keys_ = *keys;
  if (memory.tlb() == nullptr) return made;
  const auto slots = memory.register_memory(made.slots_.bytes(), {});
  if (!slots) {
    memory.deregister_memory(keys->lkey);
    return std::unexpected(slots.error());
  }
  made.words_lkey_ = keys->lkey;
  made.slots_lkey_ = slots->lkey;
  return made;
}

void MessageMemory::deregister(NicMemory& memory) {
  memory.deregister_memory(word_keys_.lkey);
  memory.deregister_memory(slots_lkey_);
}

std::uint64_t MessageMemory::load_word(const std::byte* word) {
  // A device may write it any time.
  auto& aligned = *reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(word));
  return std::atomic_ref{aligned}.load(std::memory_order_acquire);
}

RemoteBuffer MessageMemory::words_target() const {
  return {.address = reinterpret_cast<std::uint64_t>(&words_->from_peer),
          .bytes = sizeof(words_->from_peer),
          .rkey = word_keys_.rkey};
}

proto::Sge MessageMemory::stage(std::size_t offset, std::span<const std::byte> value) {
  std::byte* const place = reinterpret_cast<std::byte*>(&words_->to_peer) + offset;
  std::memcpy(place, value.data(), value.size());
  return {.address = reinterpret_cast<std::uint64_t>(place),
          .bytes = static_cast<std::uint32_t>(value.size()),
          .lkey = words_lkey_};
}

}  // namespace mapwire::detail
