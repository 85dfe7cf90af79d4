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

// Calls move(element, address, done, bytes) for each piece of [offset, offset + bytes) of the
// elements; stops and returns false when it does.
template <class Move>
bool for_each_piece(std::span<const proto::Sge> elements, std::uint64_t offset, std::size_t bytes,
                    Move move) {
  std::size_t done = 0;
  for (const proto::Sge& element : elements) {
    if (done == bytes) break;
    if (offset >= element.bytes) {
      offset -= element.bytes;
      continue;
    }
    const std::size_t piece = std::min<std::size_t>(element.bytes - offset, bytes - done);
    if (!move(element, element.address + offset, done, piece)) return false;
    done += piece;
    offset = 0;
  }
  return true;
}

bool put(const MemoryTable& memory, const proto::Sge& element, std::uint64_t address,
         std::span<const std::byte> in) {
  if (element.lkey == proto::kAnyMemoryLkey) return memory.process().write(address, in);
  copy(reinterpret_cast<std::byte*>(address), in.data(), in.size());
  return true;
}

bool take(const MemoryTable& memory, const proto::Sge& element, std::uint64_t address,
          std::span<std::byte> out) {
  if (element.lkey == proto::kAnyMemoryLkey) return memory.process().read(address, out);
  copy(out.data(), reinterpret_cast<const std::byte*>(address), out.size());
  return true;
}

}  // namespace

bool gather(const MemoryTable& memory, std::uint32_t protection_domain,
            std::span<const proto::Sge> elements, std::uint64_t offset, std::span<std::byte> out) {
  return for_each_piece(
      elements, offset, out.size(),
      [&](const proto::Sge& element, std::uint64_t address, std::size_t done, std::size_t bytes) {
        return memory.allows(element.lkey, address, bytes, protection_domain, LocalUse::kRead) &&
               take(memory, element, address, out.subspan(done, bytes));
      });
}

bool scatter(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, std::uint64_t offset,
             std::span<const std::byte> in) {
  return for_each_piece(
      elements, offset, in.size(),
      [&](const proto::Sge& element, std::uint64_t address, std::size_t done, std::size_t bytes) {
        return memory.allows(element.lkey, address, bytes, protection_domain, LocalUse::kWrite) &&
               put(memory, element, address, in.subspan(done, bytes));
      });
}

bool scatter_checked(const MemoryTable& memory, std::span<const proto::Sge> elements,
                     std::span<const std::byte> in) {
  return for_each_piece(
      elements, 0, in.size(),
      [&](const proto::Sge& element, std::uint64_t address, std::size_t done, std::size_t bytes) {
        return put(memory, element, address, in.subspan(done, bytes));
      });
}

}  // namespace mapwire::nic_fw
