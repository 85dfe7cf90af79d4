// Pinning within the budget.
#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <span>

#include "mapwire/tlb/tlb.h"

namespace mapwire::tlb {
namespace {

std::size_t bytes_of_pages(std::span<const std::byte> memory) {
  const auto pages = pages_of(memory);
  return pages ? pages->bytes() : memory.size();
}

}  // namespace

Tlb::Pinned Tlb::pin(std::span<const std::byte> memory, const Range& pages, Use use) {
  const bool receive = use == Use::kReceive;
  if (!numbers_left() && !evict()) return std::unexpected(Code::kWouldBlock);
  // A receive waits for its peer: it leaves room for pieces, two to send and one to receive.
  const std::size_t left = set_aside_ + (receive ? 3 * piece_bytes_ : 0);
  if (const Code refused = make_room(pages.bytes(), receive, left); refused != Code::kOk) {
    if (refused == Code::kWouldBlock) counters_.would_block.add();
    return std::unexpected(refused);
  }
  // Without the right of local writing it stays as constant as it was.
  const auto keys = register_now({const_cast<std::byte*>(memory.data()), memory.size()},
                                 {.local_write = use != Use::kSend});
  if (!keys) return std::unexpected(keys.error().code);
  budget_.charge(pages.bytes(), receive);
  return keys->lkey;
}

// What is in use will be given back, so it is worth waiting for. Nothing is evicted that can not
// help: of the receives' share only receives can.
Code Tlb::make_room(std::size_t bytes, bool receive, std::size_t left) {
  const PinLimits& limits = budget_.limits();
  if (bytes > (receive ? limits.bytes / 2 : limits.bytes)) return Code::kLimitReached;
  if (receive && bytes > limits.bytes / 2 - receive_bytes_in_use_) return Code::kWouldBlock;
  while (!budget_.fits(bytes, receive, left)) {
    if (evict()) continue;
    return idle() ? Code::kLimitReached : Code::kWouldBlock;
  }
  return Code::kOk;
}

bool Tlb::evict() {
  const auto id = replacement_->victim(uses_.entries());
  if (!id) return false;
  counters_.evicted.add();
  forget(*id);
  return true;
}

// Others of the process or the machine may have taken what the budget allows: everything that is
// not in use goes, and it is tried once more.
std::expected<MemoryKeys, Error> Tlb::register_now(std::span<std::byte> memory, Access access) {
  auto keys = nic_.register_memory(memory, access, protection_domain_);
  if (!keys && keys.error().code == Code::kOutOfMemory && evict()) {
    while (evict()) {
    }
    keys = nic_.register_memory(memory, access, protection_domain_);
  }
  if (!keys) counters_.failed.add();
  return keys;
}

void Tlb::unpin(const Entry& entry) {
  nic_.deregister_memory(entry.lkey);
  budget_.refund(entry.bytes, entry.receive);
  if (entry.slot) watch_->remove(*entry.slot);
}

std::expected<MemoryKeys, Error> Tlb::register_memory(std::span<std::byte> memory, Access access) {
  const std::size_t bytes = bytes_of_pages(memory);
  if (make_room(bytes, false, 0) != Code::kOk) {
    return std::unexpected(Error::make(
        Code::kLimitReached, ErrorScope::kRequest,
        fmt::format("memory region of {} bytes: the context may pin {} and has pinned {} that are "
                    "in use; register less, or raise the limit on locked memory (ulimit -l, or "
                    "`memlock` in limits.conf) or MAPWIRE_PIN_BUDGET",
                    memory.size(), budget_.limits().bytes, budget_.bytes())));
  }
  auto keys = register_now(memory, access);
  if (!keys) return keys;
  budget_.charge(bytes, false);
  explicit_bytes_[keys->lkey] = bytes;
  return keys;
}

void Tlb::deregister_memory(std::uint32_t lkey) {
  const auto known = explicit_bytes_.find(lkey);
  if (known == explicit_bytes_.end()) return;
  nic_.deregister_memory(lkey);
  budget_.refund(known->second, false);
  explicit_bytes_.erase(known);
}

// As constant as it was, like what is translated to be sent.
std::expected<MemoryKeys, Code> Tlb::expose(std::span<const std::byte> memory) {
  const auto pages = pages_of(memory);
  if (!pages) return std::unexpected(Code::kInvalidArgument);
  const std::size_t share = budget_.limits().bytes / 4;
  if (pages->bytes() > share - std::min(share, exposed_bytes_)) {
    return std::unexpected(exposed_bytes_ != 0 ? Code::kWouldBlock : Code::kLimitReached);
  }
  // Peers read only if there is room for reading here as well.
  if (const Code refused = make_room(pages->bytes(), false, piece_bytes_); refused != Code::kOk) {
    return std::unexpected(refused);
  }
  const auto keys = register_now({const_cast<std::byte*>(memory.data()), memory.size()},
                                 {.local_write = false, .remote_read = true});
  if (!keys) return std::unexpected(keys.error().code);
  budget_.charge(pages->bytes(), false);
  explicit_bytes_[keys->lkey] = pages->bytes();
  exposed_bytes_ += pages->bytes();
  return *keys;
}

void Tlb::conceal(std::uint32_t lkey) {
  exposed_bytes_ -= explicit_bytes_.at(lkey);
  deregister_memory(lkey);
}

}  // namespace mapwire::tlb
