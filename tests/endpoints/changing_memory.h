// Memory that changes in all the ways that a program can change it, between one use and the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string_view>

namespace mapwire::testing {

// A buffer that one thread owns. Every change leaves it mapped and writable, at an address of its
// own choice, and its contents undefined.
class ChangingMemory {
 public:
  ChangingMemory() = default;
  ChangingMemory(const ChangingMemory&) = delete;
  ChangingMemory& operator=(const ChangingMemory&) = delete;
  virtual ~ChangingMemory() = default;

  virtual std::string_view name() const = 0;
  virtual std::span<std::byte> memory() = 0;
  virtual void change(std::mt19937_64& random) = 0;
};

// Private and anonymous: munmap(2) with reuse of the address, by this thread or by another one
// while the first is still in the call; MAP_FIXED; mremap(2) away, onto, in place and with
// MREMAP_DONTUNMAP; MADV_DONTNEED and MADV_FREE, process_madvise(2); fork(2) with writes on either
// side; shmat(2) with SHM_REMAP; mprotect(2) to and fro.
std::unique_ptr<ChangingMemory> make_anonymous(std::size_t bytes);
// malloc(3), with mappings and trims of the heap at each call.
std::unique_ptr<ChangingMemory> make_heap(std::size_t bytes);
// A memfd, shared or private: truncated, punched, MADV_REMOVE.
std::unique_ptr<ChangingMemory> make_file(std::size_t bytes, bool shared);
// System V: detached and attached anew.
std::unique_ptr<ChangingMemory> make_segment(std::size_t bytes);

}  // namespace mapwire::testing
