// Files without a name (memfd_create), by whose descriptors processes share memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire {

inline constexpr std::size_t kMemfdBytesMax = std::size_t{1} << 46;  // half of what x86-64 can map

// What those may do who get the descriptor.
enum class Sharing : std::uint8_t { kReadWrite, kReadOnly };

// Makes a file of `bytes` zeros, at most kMemfdBytesMax, rounded up to whole pages, which nobody
// can shrink or grow: no access through a mapping of it faults, as long as the system has memory.
// `name`, of at most 200 characters, shows in /proc/PID/maps. Errors: kInvalidArgument (0 bytes),
// kOutOfMemory, kSystemCall.
std::expected<UniqueFd, Error> make_memfd(const std::string& name, std::size_t bytes);

// From now on those who get the descriptor may do no more than `sharing` says, and nobody can seal
// anything else. What is mapped already stays as it is. False: errno tells why.
bool seal_memfd(int fd, Sharing sharing);

// A file mapped shared. Move-only; unmapped when it dies. One thread at a time.
class Mapping {
 public:
  Mapping() = default;  // of nothing
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  // The first `bytes`, whole pages. Nothing: errno tells why.
  static std::optional<Mapping> of(int fd, std::size_t bytes, Sharing sharing);
  // A file that another process handed over. Errors: kProtocolError (no memfd, not of `bytes`
  // bytes, or its size not sealed: an access could fault), kSystemCall.
  static std::expected<Mapping, Error> of_peer(const UniqueFd& fd, std::size_t bytes,
                                               Sharing sharing);

  // Not to be written if it is kReadOnly.
  std::span<std::byte> memory() const { return memory_; }

  // Maps another file of the same size at its place, to be read and written; every thread finds the
  // one or the other there. False: errno tells why, and nothing may be mapped there any more.
  bool show(int fd);

 private:
  explicit Mapping(std::span<std::byte> memory) : memory_{memory} {}

  std::span<std::byte> memory_;
};

// `bytes` rounded up to whole pages. Precondition: there is such a number.
std::size_t whole_pages(std::size_t bytes);

}  // namespace mapwire
