#include "mapwire/nic_fw/shm/block.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <utility>

#include "mapwire/nic_fw/shm/store_order.h"
#include "mapwire/runtime/barrier.h"

namespace mapwire::nic_fw::shm {
namespace {

std::unexpected<Error> refused(const std::string& cause) {
  return std::unexpected(Error::make(
      Code::kProtocolError, ErrorScope::kEndpoint,
      "shared memory of the peer: " + cause + "; check that the peer is mapwire of this version"));
}

// On hugetlbfs an access faults when the system has no page left, whatever the seals say.
bool is_shared_memory(int fd) {
  struct statfs system{};
  return ::fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

bool has_fixed_size(int fd) {
  const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & wanted) == wanted;
}

}  // namespace

std::expected<Arena, Error> make_block() {
  auto block = Arena::create("mapwire-shm", proto::kShmBytes, Arena::Sharing::kReadOnly);
  if (!block) return block;
  proto::ShmHeader& header = header_of(*block);
  header.magic = proto::kShmMagic;
  header.version = proto::kShmVersion;
  header.fences = orders_stores_of_peers() ? 0 : 1;
  header.consumed = proto::kShmFirstPosition;
  return block;
}

std::expected<PeerBlock, Error> PeerBlock::map(const UniqueFd& fd) {
  struct stat file{};
  if (!is_shared_memory(fd.get()) || ::fstat(fd.get(), &file) != 0) return refused("is a file");
  if (!has_fixed_size(fd.get())) return refused("its size is not sealed");
  if (static_cast<std::size_t>(file.st_size) != proto::kShmBytes) return refused("wrong size");
  void* memory = ::mmap(nullptr, proto::kShmBytes, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kEndpoint, errno,
                                             "shared memory of the peer",
                                             "raise the limits of memory mappings"));
  }
  PeerBlock block{{static_cast<const std::byte*>(memory), proto::kShmBytes}};
  if (read_once(block.header().magic) != proto::kShmMagic ||
      read_once(block.header().version) != proto::kShmVersion) {
    return refused("has no header of ours");
  }
  return block;
}

PeerBlock::PeerBlock(PeerBlock&& other) noexcept : memory_{std::exchange(other.memory_, {})} {}

PeerBlock& PeerBlock::operator=(PeerBlock&& other) noexcept {
  std::swap(memory_, other.memory_);
  return *this;
}

PeerBlock::~PeerBlock() {
  if (!memory_.empty()) ::munmap(const_cast<std::byte*>(memory_.data()), memory_.size());
}

}  // namespace mapwire::nic_fw::shm
