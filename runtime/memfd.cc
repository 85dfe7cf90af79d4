#include "mapwire/runtime/memfd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace mapwire {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr int kFixedSize = F_SEAL_SHRINK | F_SEAL_GROW;

bool is_lack_of_memory(int os_errno) {
  return os_errno == ENOMEM || os_errno == ENOSPC || os_errno == EFBIG;
}

std::unexpected<Error> failure(int os_errno, const std::string& name, std::size_t bytes) {
  const auto object = fmt::format("shared memory \"{}\" of {} bytes", name, bytes);
  if (is_lack_of_memory(os_errno)) {
    return std::unexpected(Error::from_errno(Code::kOutOfMemory, ErrorScope::kRequest, os_errno,
                                             object, "ask for less or raise the memory limit"));
  }
  return std::unexpected(
      Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, os_errno, object,
                        "check that memfd_create is allowed and descriptors are left (ulimit -n)"));
}

std::unexpected<Error> refused(const char* cause) {
  return std::unexpected(
      Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                  fmt::format("shared memory of the peer: {}; check that the peer is mapwire of "
                              "this version",
                              cause)));
}

// On hugetlbfs an access faults when the system has no page left, whatever the seals say.
bool is_memfd(int fd) {
  struct statfs system{};
  return ::fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

bool is_sealed(int fd) {
  constexpr int kWanted = kFixedSize | F_SEAL_SEAL;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & kWanted) == kWanted;
}

}  // namespace

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

std::expected<UniqueFd, Error> make_memfd(const std::string& name, std::size_t bytes) {
  if (bytes == 0) {
    return std::unexpected(
        Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                    "shared memory \"" + name + "\" has no bytes; ask for at least 1"));
  }
  if (bytes > kMemfdBytesMax) return failure(EFBIG, name, bytes);
  UniqueFd fd{::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(whole_pages(bytes))) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, kFixedSize) != 0) {
    return failure(errno, name, bytes);
  }
  return fd;
}

bool seal_memfd(int fd, Sharing sharing) {
  const int seals = sharing == Sharing::kReadOnly ? F_SEAL_FUTURE_WRITE | F_SEAL_SEAL : F_SEAL_SEAL;
  return ::fcntl(fd, F_ADD_SEALS, seals) == 0;
}

std::optional<Mapping> Mapping::of(int fd, std::size_t bytes, Sharing sharing) {
  const int protection = sharing == Sharing::kReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  void* memory = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return std::nullopt;
  return Mapping{{static_cast<std::byte*>(memory), bytes}};
}

std::expected<Mapping, Error> Mapping::of_peer(const UniqueFd& fd, std::size_t bytes,
                                               Sharing sharing) {
  struct stat file{};
  if (!is_memfd(fd.get())) return refused("is a file");
  // First the seals, which nobody can take back: then the size is what it will be.
  if (!is_sealed(fd.get())) return refused("its size is not sealed");
  if (::fstat(fd.get(), &file) != 0) return refused("is a file");
  if (static_cast<std::size_t>(file.st_size) != bytes) return refused("wrong size");
  auto mapping = of(fd.get(), bytes, sharing);
  if (mapping) return std::move(*mapping);
  return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kEndpoint, errno,
                                           "shared memory of the peer",
                                           "raise the limits of memory mappings"));
}

Mapping::Mapping(Mapping&& other) noexcept : memory_{std::exchange(other.memory_, {})} {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(memory_, other.memory_);
  return *this;
}

Mapping::~Mapping() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

bool Mapping::show(int fd) {
  return ::mmap(memory_.data(), memory_.size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                0) != MAP_FAILED;
}

}  // namespace mapwire
