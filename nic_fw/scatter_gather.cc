#include "mapwire/nic_fw/scatter_gather.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mapwire::nic_fw {
namespace {

// Calls move(memory, done, bytes) for each piece of [offset, offset + bytes) of the elements; stops
// and returns false when a piece is refused.
template <class Move>
bool for_each_piece(const MemoryTable& memory, std::uint32_t protection_domain,
                    std::span<const proto::Sge> elements, std::uint64_t offset, std::size_t bytes,
                    LocalUse use, Move move) {
  std::size_t done = 0;
  for (const proto::Sge& element : elements) {
    if (done == bytes) break;
    if (offset >= element.bytes) {
      offset -= element.bytes;
      continue;
    }
    const std::size_t piece = std::min<std::size_t>(element.bytes - offset, bytes - done);
    const std::uint64_t address = element.address + offset;
    if (!memory.allows(element.lkey, address, piece, protection_domain, use)) return false;
    move(reinterpret_cast<std::byte*>(address), done, piece);
    done += piece;
    offset = 0;
  }
  return true;
}

}  // namespace

std::uint64_t total_bytes(std::span<const proto::Sge> elements) {
  std::uint64_t sum = 0;
  for (const proto::Sge& element : elements) sum += element.bytes;
  return sum;
}

bool allowed(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, LocalUse use) {
  return std::ranges::all_of(elements, [&](const proto::Sge& element) {
    return element.bytes == 0 ||
           memory.allows(element.lkey, element.address, element.bytes, protection_domain, use);
  });
}

bool gather(const MemoryTable& memory, std::uint32_t protection_domain,
            std::span<const proto::Sge> elements, std::uint64_t offset, std::span<std::byte> out) {
  return for_each_piece(memory, protection_domain, elements, offset, out.size(), LocalUse::kRead,
                        [&](const std::byte* from, std::size_t done, std::size_t bytes) {
                          std::memcpy(out.data() + done, from, bytes);
                        });
}

bool scatter(const MemoryTable& memory, std::uint32_t protection_domain,
             std::span<const proto::Sge> elements, std::uint64_t offset,
             std::span<const std::byte> in) {
  return for_each_piece(memory, protection_domain, elements, offset, in.size(), LocalUse::kWrite,
                        [&](std::byte* to, std::size_t done, std::size_t bytes) {
                          std::memcpy(to, in.data() + done, bytes);
                        });
}

}  // namespace mapwire::nic_fw
