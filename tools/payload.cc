#include "tools/payload.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace mapwire::tools {
namespace {

using Word = std::array<std::byte, 8>;

// Multiplication by odd constants, so that neighbouring words, messages and directions share no
// pattern. Cheap enough to keep up with the copies around it.
class WordStream {
 public:
  WordStream(Direction direction, std::uint64_t sequence)
      : state_{sequence * 0xd1b54a32d192ed03U + static_cast<std::uint64_t>(direction)} {}
  Word next() {
    state_ += 0x9e3779b97f4a7c15U;
    return std::bit_cast<Word>(state_ ^ (state_ >> 29));
  }

 private:
  std::uint64_t state_;
};

}  // namespace

void fill_payload(std::span<std::byte> payload, Direction direction, std::uint64_t sequence) {
  if (payload.empty()) return;
  WordStream words{direction, sequence};
  for (std::size_t i = 0; i < payload.size(); i += sizeof(Word)) {
    const Word word = words.next();
    std::memcpy(&payload[i], word.data(), std::min(sizeof(Word), payload.size() - i));
  }
  payload.back() = last_byte(sequence);
}

bool payload_matches(std::span<const std::byte> payload, Direction direction,
                     std::uint64_t sequence) {
  if (payload.empty()) return true;
  WordStream words{direction, sequence};
  const std::size_t body = payload.size() - 1;
  for (std::size_t i = 0; i < body; i += sizeof(Word)) {
    const Word word = words.next();
    if (std::memcmp(&payload[i], word.data(), std::min(sizeof(Word), body - i)) != 0) return false;
  }
  return payload.back() == last_byte(sequence);
}

}  // namespace mapwire::tools
