// The memory orderings of everything that two parties share, by the names of their uses. Each use
// in the tree says who must see what.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace mapwire {

// Publishes `value` after every earlier store of this thread: who reads it with acquire_from_peer
// sees those stores too.
template <class T>
void publish_to_peer(std::atomic<T>& word, T value) {
  word.store(value, std::memory_order_release);
}

// Reads a word the peer publishes; what the peer stored before is visible afterwards.
template <class T>
T acquire_from_peer(const std::atomic<T>& word) {
  return word.load(std::memory_order_acquire);
}

// Reads a plain word of memory that a hostile peer may be writing. The compiler reads it exactly
// once, so that what is checked is what is used.
template <class T>
T read_once(const T& word) {
  return static_cast<const volatile T&>(word);
}

// The same for a struct of plain words.
template <class T>
  requires std::is_trivially_copyable_v<T>
T copy_once(const std::byte* from) {
  T copy{};
  std::memcpy(&copy, from, sizeof(copy));
  std::atomic_signal_fence(std::memory_order_seq_cst);  // from here on the memory may be another's
  return copy;
}

}  // namespace mapwire
