// Atomics of a peer, on memory that the application's threads may use atomically at the same time.
// Each returns the number that was there. Precondition: `address` is aligned to 8 bytes and may be
// written.
#pragma once

#include <atomic>
#include <cstdint>

namespace mapwire {

inline std::atomic_ref<std::uint64_t> word_at(std::uint64_t address) {
  return std::atomic_ref{*reinterpret_cast<std::uint64_t*>(address)};
}

inline std::uint64_t fetch_add(std::uint64_t address, std::uint64_t number) {
  return word_at(address).fetch_add(number);
}

inline std::uint64_t compare_swap(std::uint64_t address, std::uint64_t compare,
                                  std::uint64_t swap) {
  std::uint64_t original = compare;
  word_at(address).compare_exchange_strong(original, swap);
  return original;
}

}  // namespace mapwire
