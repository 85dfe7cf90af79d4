// Which translation goes when room is wanted.
//
// Threads: guarded by the owner's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace mapwire::tlb {

enum class Policy : std::uint8_t {
  kClock,  // one that was not used since the hand came by last: a store per use
  kLru,    // the one that was not used for longest: six stores per use
};
std::string_view name(Policy policy);

class Replacement {
 public:
  // For translations numbered below `size`.
  static std::unique_ptr<Replacement> make(Policy policy, std::size_t size);
  Replacement() = default;
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  virtual ~Replacement() = default;

  // A new one; it counts as used now.
  virtual void insert(std::uint32_t id) = 0;
  virtual void erase(std::uint32_t id) = 0;
  virtual void touch(std::uint32_t id) = 0;
  // One to go, which has uses[id] == 0; it is not erased. Nothing: there is none.
  virtual std::optional<std::uint32_t> victim(std::span<const std::uint32_t> uses) = 0;
};

}  // namespace mapwire::tlb
