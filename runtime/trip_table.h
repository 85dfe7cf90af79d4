// Tripwires, in the manner of CLAN: ranges of addresses that tell when an access touches them,
// though who accesses them knows nothing of it.
//
// An access that touches none costs a look at a few bits, however many wires there are: each grain
// of 16 bytes with a wire on it has its bit set. Grains 4 MiB apart share a bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace mapwire {

// What an access does, or a wire is for; an atomic does both.
inline constexpr std::uint8_t kTouchRead = 1;
inline constexpr std::uint8_t kTouchWrite = 2;

struct TripWire {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;  // at least 1; the range does not wrap around
  std::uint8_t kinds = kTouchWrite;
  bool armed = false;
  std::uint64_t cookie = 0;  // its owner's
};

// Threads: one at a time.
class TripTable {
 public:
  // `on_trip` is told of a wire that was touched, and does not change the table.
  explicit TripTable(std::move_only_function<void(TripWire&)> on_trip);

  // The wire keeps its range and stays where it is until remove().
  void add(TripWire& wire);
  // Precondition: it was added.
  void remove(TripWire& wire);
  std::size_t size() const { return size_; }

  // An access has touched `bytes` bytes, which do not wrap around: each armed wire on them is
  // disarmed, and told of. Does not allocate.
  void touch(std::uint64_t address, std::uint64_t bytes, std::uint8_t kinds) {
    if (bytes != 0 && may_touch(address, bytes)) [[unlikely]]
      trip(address, bytes, kinds);
  }

 private:
  static constexpr std::uint64_t kGrainBytes = 16;
  static constexpr std::uint64_t kWordGrains = 64;
  static constexpr std::uint64_t kWords = 4096;

  // A word of bits, and those of it that stand for grains of a range.
  struct Grains {
    std::size_t word = 0;
    std::uint64_t bits = 0;
  };
  // Calls `visit` with the words of the range, each once, until it answers true; answers that.
  template <class Visit>
  static bool visit_grains(std::uint64_t address, std::uint64_t bytes, Visit visit);
  bool may_touch(std::uint64_t address, std::uint64_t bytes) const {
    return visit_grains(address, bytes, [this](const Grains& grains) {
      return (grains_[grains.word] & grains.bits) != 0;
    });
  }
  [[gnu::cold, gnu::noinline]] void trip(std::uint64_t address, std::uint64_t bytes,
                                         std::uint8_t kinds);
  void mark(const TripWire& wire);
  void mark_all_anew();

  struct Hung {
    std::uint64_t address = 0;
    TripWire* wire = nullptr;
  };
  // By address; in one piece, as a search in a tree of 10,000 waits for memory at every step. Wires
  // of a class are at most 2^class bytes long and, but for the first, more than half of it, so few
  // of them that begin near an access do not touch it.
  using Wires = std::vector<Hung>;
  std::map<int, Wires> classes_;
  std::size_t size_ = 0;
  std::size_t removed_ = 0;  // since the bits were made
  std::vector<std::uint64_t> grains_ = std::vector<std::uint64_t>(kWords);
  std::move_only_function<void(TripWire&)> on_trip_;
};

template <class Visit>
bool TripTable::visit_grains(std::uint64_t address, std::uint64_t bytes, Visit visit) {
  const std::uint64_t first = address / kGrainBytes;
  std::uint64_t last = (address + (bytes - 1)) / kGrainBytes;
  if (last - first >= kWords * kWordGrains) last = first + kWords * kWordGrains - 1;  // all bits
  for (std::uint64_t word = first / kWordGrains; word <= last / kWordGrains; ++word) {
    const std::uint64_t begin = word == first / kWordGrains ? first % kWordGrains : 0;
    const std::uint64_t end = word == last / kWordGrains ? last % kWordGrains : kWordGrains - 1;
    const std::uint64_t bits = (UINT64_MAX >> (kWordGrains - 1 - end)) & (UINT64_MAX << begin);
    if (visit(Grains{.word = word % kWords, .bits = bits})) return true;
  }
  return false;
}

}  // namespace mapwire
