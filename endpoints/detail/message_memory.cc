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

std::expected<MessageMemory, Error> MessageMemory::create(Nic& nic, std::size_t sends,
                                                          std::size_t receives,
                                                          std::uint32_t protection_domain) {
  MessageMemory memory{sends, receives};
  const auto words = std::as_writable_bytes(std::span{memory.words_.get(), 1});
  const auto keys = nic.register_memory(words, {.remote_write = true}, protection_domain);
  if (!keys) return std::unexpected(keys.error());
  memory.word_keys_ = *keys;
  if (nic.attributes().reads_any_memory) return memory;
  const auto slots = nic.register_memory(memory.slots_.bytes(), {}, protection_domain);
  if (!slots) {
    nic.deregister_memory(keys->lkey);
    return std::unexpected(slots.error());
  }
  memory.words_lkey_ = keys->lkey;
  memory.slots_lkey_ = slots->lkey;
  return memory;
}

void MessageMemory::deregister(Nic& nic) {
  nic.deregister_memory(word_keys_.lkey);
  nic.deregister_memory(slots_lkey_);
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
