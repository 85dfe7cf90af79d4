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
    : slots_{header_bytes(receives) + sends * kSendStride},
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

std::uint64_t MessageMemory::credit_word() const {
  // A device may write it any time.
  return std::atomic_ref{words_->credit}.load(std::memory_order_acquire);
}

RemoteBuffer MessageMemory::credit_word_target() const {
  return {.address = reinterpret_cast<std::uint64_t>(&words_->credit),
          .bytes = sizeof(words_->credit),
          .rkey = word_keys_.rkey};
}

proto::Sge MessageMemory::stage_credit_update(std::uint64_t posted) {
  proto::CreditUpdate update;
  static_assert(sizeof(update) == sizeof(words_->update));
  update.credits = static_cast<std::uint32_t>(posted);
  std::memcpy(&words_->update, &update, sizeof(update));
  return {.address = reinterpret_cast<std::uint64_t>(&words_->update),
          .bytes = sizeof(update),
          .lkey = words_lkey_};
}

}  // namespace mapwire::detail
