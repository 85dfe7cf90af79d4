#include "mapwire/endpoints/detail/message_memory.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <new>
#include <span>
#include <utility>

#include "mapwire/proto/message_header.h"

namespace mapwire::detail {
namespace {

constexpr std::align_val_t kAlignment{4096};

}  // namespace

void MessageMemory::Free::operator()(std::byte* block) const {
  ::operator delete(block, kAlignment);
}

std::expected<MessageMemory, Error> MessageMemory::create(Nic& nic, std::size_t sends,
                                                          std::size_t receives,
                                                          std::uint32_t protection_domain) {
  const std::size_t receives_bytes = receives * sizeof(proto::MessageHeader);
  const std::size_t bytes = kWordsBytes + receives_bytes + sends * kSendStride;
  MessageMemory memory;
  memory.block_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
  std::byte* const block = memory.block_.get();
  std::memset(block, 0, bytes);
  memory.receives_ = block + kWordsBytes;
  memory.sends_ = memory.receives_ + receives_bytes;

  const auto local = nic.register_memory({block, bytes}, {}, protection_domain);
  if (!local) return std::unexpected(local.error());
  const auto word = nic.register_memory({block, sizeof(std::uint64_t)}, {.remote_write = true},
                                        protection_domain);
  if (!word) {
    nic.deregister_memory(local->lkey);
    return std::unexpected(word.error());
  }
  memory.local_ = *local;
  memory.credit_word_ = *word;
  return memory;
}

void MessageMemory::deregister(Nic& nic) {
  nic.deregister_memory(credit_word_.lkey);
  nic.deregister_memory(local_.lkey);
}

std::uint64_t MessageMemory::credit_word() const {
  auto& word = *reinterpret_cast<std::uint64_t*>(block_.get());
  return std::atomic_ref{word}.load(std::memory_order_acquire);  // a device may write it any time
}

RemoteBuffer MessageMemory::credit_word_target() const {
  return {.address = reinterpret_cast<std::uint64_t>(block_.get()),
          .bytes = sizeof(std::uint64_t),
          .rkey = credit_word_.rkey};
}

proto::Sge MessageMemory::stage_credit_update(std::uint64_t posted) {
  std::byte* const word = block_.get() + proto::kCacheLine;
  proto::CreditUpdate update;
  update.credits = static_cast<std::uint32_t>(posted);
  std::memcpy(word, &update, sizeof(update));
  return element({word, sizeof(update)});
}

proto::Sge MessageMemory::element(std::span<const std::byte> memory) const {
  return {.address = reinterpret_cast<std::uint64_t>(memory.data()),
          .bytes = static_cast<std::uint32_t>(memory.size()),
          .lkey = local_.lkey};
}

}  // namespace mapwire::detail
