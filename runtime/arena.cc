#include "mapwire/runtime/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace mapwire {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kArenaBytesMax = std::size_t{1} << 46;  // half of what x86-64 can map

bool is_lack_of_memory(int os_errno) {
  return os_errno == ENOMEM || os_errno == ENOSPC || os_errno == EFBIG;
}

std::unexpected<Error> failure(int os_errno, const std::string& name, std::size_t bytes) {
  const auto object = fmt::format("arena \"{}\" of {} bytes", name, bytes);
  if (is_lack_of_memory(os_errno)) {
    return std::unexpected(Error::from_errno(Code::kOutOfMemory, ErrorScope::kRequest, os_errno,
                                             object, "ask for less or raise the memory limit"));
  }
  return std::unexpected(
      Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, os_errno, object,
                        "check that memfd_create is allowed and descriptors are left (ulimit -n)"));
}

}  // namespace

std::expected<Arena, Error> Arena::create(const std::string& name, std::size_t bytes,
                                          Sharing sharing) {
  if (bytes == 0) {
    return std::unexpected(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                                       "arena \"" + name + "\" has no bytes; ask for at least 1"));
  }
  if (bytes > kArenaBytesMax) return failure(EFBIG, name, bytes);
  const std::size_t rounded = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  UniqueFd fd{memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(rounded)) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return failure(errno, name, bytes);
  }
  void* memory = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return failure(errno, name, bytes);
  Arena arena{std::move(fd), {static_cast<std::byte*>(memory), rounded}};
  // Our mapping was there before and stays writable.
  const int seals = sharing == Sharing::kReadOnly ? F_SEAL_FUTURE_WRITE | F_SEAL_SEAL : F_SEAL_SEAL;
  if (fcntl(arena.fd(), F_ADD_SEALS, seals) != 0) return failure(errno, name, bytes);
  return arena;
}

Arena::Arena(UniqueFd fd, std::span<std::byte> memory) : fd_{std::move(fd)}, memory_{memory} {}

Arena::Arena(Arena&& other) noexcept
    : fd_{std::move(other.fd_)},
      memory_{std::exchange(other.memory_, {})},
      used_{std::exchange(other.used_, 0)} {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  std::swap(used_, other.used_);
  return *this;
}

Arena::~Arena() {
  if (!memory_.empty()) munmap(memory_.data(), memory_.size());
}

std::optional<std::span<std::byte>> Arena::allocate(std::size_t bytes, std::size_t alignment) {
  if (!std::has_single_bit(alignment) || alignment > kPageBytes) std::abort();
  const std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
  if (start > memory_.size() || bytes > memory_.size() - start) return std::nullopt;
  used_ = start + bytes;
  return memory_.subspan(start, bytes);
}

}  // namespace mapwire
