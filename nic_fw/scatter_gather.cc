#include "mapwire/nic_fw/scatter_gather.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::size_t kCopiedByWordsMax = proto::kCacheLine;

template <class Word>
void copy_word(std::byte*& to, const std::byte*& from, std::size_t& bytes) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  asm volatile("" : "+r"(word));  // else the compiler joins words again
  std::memcpy(to, &word, sizeof(word));
  to += sizeof(word);
  from += sizeof(word);
  bytes -= sizeof(word);
}

// A small piece has often been written just before, word by word. A copy by wider loads would wait
// until the words have left the store buffer, which takes longer than the copy.
void copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes > kCopiedByWordsMax) {
    std::memcpy(to, from, bytes);
    return;
  }
  while (bytes >= sizeof(std::uint64_t)) copy_word<std::uint64_t>(to, from, bytes);
  if (bytes >= sizeof(std::uint32_t)) copy_word<std::uint32_t>(to, from, bytes);
  if (bytes >= sizeof(std::uint16_t)) copy_word<std::uint16_t>(to, from, bytes);
  if (bytes != 0) *to = *from;
}

// Calls move(memory, done, bytes) for each piece of [offset, offset + bytes) of the elements; stops
// and returns false when permits(element, address, piece) refuses one.
template <class Permits, class Move>
bool for_each_piece(std::span<const proto::Sge> elements, std::uint64_t offset, std::size_t bytes,
                    Permits permits, Move move) {
  std::size_t done = 0;
  for (const proto::Sge& element : elements) {
    if (done == bytes) break;
    if (offset >= element.bytes) {
      offset -= element.bytes;
      continue;
    }
    const std::size_t piece = std::min<std::size_t>(element.bytes - offset, bytes - done);
    const std::uint64_t address = element.address + offset;
    if (!permits(element, address, piece)) return false;
    move(reinterpret_cast<std::byte*>(address), done, piece);
    done += piece;
    offset = 0;
  }
  return true;
}

auto permits(const MemoryTable& memory, std::uint32_t protection_domain, LocalUse use) {
  return [&memory, protection_domain, use](const proto::Sge& element, std::uint64_t address,
                                           std::size_t bytes) {
    return memory.allows(element.lkey, address, bytes, protection_domain, use);
  };
}

auto copy_from(std::span<const std::byte> in) {
  return [in](std::byte* to, std::size_t done, std::size_t bytes) {
    copy(to, in.data() + done, bytes);
  };
}

}  // namespace

bool gather(const MemoryTable& memory, std::uint32_t protection_domain,
            std::span<const proto::Sge> elements, std::uint64_t offset, std::span<std::byte> out) {
  return for_each_piece(elements, offset, out.size(),
                        permits(memory, protection_domain, LocalUse::kRead),
                        [&](const std::byte* from, std::size_t done, std::size_t bytes) {
                          copy(out.data() + done, from, bytes);
                        });
}

bool scatter(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, std::uint64_t offset,
             std::span<const std::byte> in) {
  return for_each_piece(elements, offset, in.size(),
                        permits(memory, protection_domain, LocalUse::kWrite), copy_from(in));
}

void scatter_checked(std::span<const proto::Sge> elements, std::span<const std::byte> in) {
  for_each_piece(elements, 0, in.size(), [](const auto&...) { return true; }, copy_from(in));
}

}  // namespace mapwire::nic_fw
