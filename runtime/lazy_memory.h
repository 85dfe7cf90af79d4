// Memory that costs what is used of it: pages of zeros, each of which the kernel gives when it is
// first written. For what has to be long and mostly stays empty, such as the queues of a connection
// that waits: ten thousand of them cost what they hold.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace mapwire {

class LazyMemory {
 public:
  LazyMemory() = default;
  // `bytes` zeros, aligned to a page; none for 0. Throws std::bad_alloc, as new does.
  explicit LazyMemory(std::size_t bytes);
  LazyMemory(LazyMemory&& other) noexcept : memory_{std::exchange(other.memory_, {})} {}
  LazyMemory& operator=(LazyMemory&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~LazyMemory();

  std::span<std::byte> bytes() const { return memory_; }

 private:
  std::span<std::byte> memory_;
};

// Entries there, which begin as zero bytes: no constructor runs, as it would write them all.
template <class T>
class LazyArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  LazyArray() = default;
  explicit LazyArray(std::size_t size) : memory_{size * sizeof(T)}, size_{size} {}

  std::size_t size() const { return size_; }
  std::span<T> entries() { return {data(), size_}; }
  T& operator[](std::size_t index) { return data()[index]; }
  const T& operator[](std::size_t index) const { return data()[index]; }

 private:
  T* data() const { return reinterpret_cast<T*>(memory_.bytes().data()); }

  LazyMemory memory_;
  std::size_t size_ = 0;
};

}  // namespace mapwire
