#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "mapwire/runtime/unique_fd.h"
#include "tests/endpoints/changing_memory.h"

namespace mapwire::testing {
namespace {

constexpr int kRights = PROT_READ | PROT_WRITE;
constexpr int kKind = MAP_PRIVATE | MAP_ANONYMOUS;

void* must(void* mapped) {
  if (mapped == MAP_FAILED) std::abort();
  return mapped;
}

class Anonymous final : public ChangingMemory {
 public:
  explicit Anonymous(std::size_t bytes) : bytes_{bytes}, base_{map(nullptr, 0)} {}
  ~Anonymous() override { ::munmap(base_, bytes_); }

  std::string_view name() const override { return "anonymous"; }
  std::span<std::byte> memory() override { return {static_cast<std::byte*>(base_), bytes_}; }

  void change(std::mt19937_64& random) override {
    static constexpr std::array kChanges{&Anonymous::unmap,
                                         &Anonymous::unmap_under_another,
                                         &Anonymous::map_over,
                                         &Anonymous::move,
                                         &Anonymous::move_onto,
                                         &Anonymous::leave_behind,
                                         &Anonymous::resize,
                                         &Anonymous::discard,
                                         &Anonymous::discard_lazily,
                                         &Anonymous::discard_by_process,
                                         &Anonymous::attach_over,
                                         &Anonymous::protect,
                                         &Anonymous::unmap_under_another,
                                         &Anonymous::unmap_a_part};
    constexpr unsigned kForkOneIn = 256;  // slow
    if (random() % kForkOneIn == 0) return fork_and_write();
    (this->*kChanges[random() % kChanges.size()])();
  }

 private:
  void* map(void* where, int flags) const {
    return must(::mmap(where, bytes_, kRights, kKind | flags, -1, 0));
  }
  // Another thread may take the place in between: then it is another place.
  void map_again(void* where) {
    void* again = ::mmap(where, bytes_, kRights, kKind | MAP_FIXED_NOREPLACE, -1, 0);
    base_ = again == MAP_FAILED ? map(nullptr, 0) : again;
  }

  // After a part was mapped anew there may be two mappings, which can not be moved as one.
  void remapped(void* moved) {
    if (moved == MAP_FAILED) return unmap();
    base_ = moved;
  }

  void unmap() {
    ::munmap(base_, bytes_);
    map_again(base_);
  }
  // The address is free before munmap returns.
  void unmap_under_another() {
    void* const place = base_;
    std::thread unmapper{[place, bytes = bytes_] { ::munmap(place, bytes); }};
    void* again = MAP_FAILED;
    constexpr int kTries = 1'000'000;
    for (int i = 0; i < kTries && again == MAP_FAILED; ++i) {
      again = ::mmap(place, bytes_, kRights, kKind | MAP_FIXED_NOREPLACE, -1, 0);
    }
    base_ = again == MAP_FAILED ? map(nullptr, 0) : again;
    unmapper.detach();
  }
  void unmap_a_part() {
    const std::size_t half = bytes_ / 2 & ~std::size_t{4095};
    ::munmap(base_, half);
    const auto again = ::mmap(base_, half, kRights, kKind | MAP_FIXED_NOREPLACE, -1, 0);
    if (again != MAP_FAILED) return;
    ::munmap(static_cast<std::byte*>(base_) + half, bytes_ - half);
    base_ = map(nullptr, 0);
  }
  void map_over() { map(base_, MAP_FIXED); }
  void move() {
    void* const elsewhere = map(nullptr, 0);
    remapped(::mremap(base_, bytes_, bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere));
  }
  void move_onto() {
    void* const other = map(nullptr, 0);
    std::memset(other, 1, bytes_);
    base_ = must(::mremap(other, bytes_, bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, base_));
  }
  void leave_behind() {
    void* const moved = ::mremap(base_, bytes_, bytes_, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
    if (moved != MAP_FAILED) ::munmap(moved, bytes_);
  }
  void resize() {
    void* const larger = ::mremap(base_, bytes_, 2 * bytes_, MREMAP_MAYMOVE);
    remapped(larger);
    if (larger != MAP_FAILED) ::munmap(static_cast<std::byte*>(larger) + bytes_, bytes_);
  }
  void discard() { ::madvise(base_, bytes_, MADV_DONTNEED); }
  void discard_lazily() { ::madvise(base_, bytes_, MADV_FREE); }
  void discard_by_process() {
    const UniqueFd self{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
    const iovec part{.iov_base = base_, .iov_len = bytes_};
    ::syscall(SYS_process_madvise, self.get(), &part, 1, MADV_DONTNEED, 0);  // 6.13 and later
  }
  void attach_over() {
    const int id = ::shmget(IPC_PRIVATE, bytes_, IPC_CREAT | 0600);
    if (id < 0) return;
    void* const attached = ::shmat(id, base_, SHM_REMAP);
    ::shmctl(id, IPC_RMID, nullptr);
    if (attached != base_) return;
    ::shmdt(attached);
    map_again(base_);
  }
  void protect() {
    ::mprotect(base_, bytes_, PROT_READ);
    ::mprotect(base_, bytes_, kRights);
  }
  void fork_and_write() {
    const pid_t child = ::fork();
    if (child == 0) {
      std::memset(base_, 2, bytes_);
      ::_exit(0);
    }
    std::memset(base_, 3, bytes_);
    if (child > 0) ::waitpid(child, nullptr, 0);
  }

  std::size_t bytes_;
  void* base_;
};

}  // namespace

std::unique_ptr<ChangingMemory> make_anonymous(std::size_t bytes) {
  return std::make_unique<Anonymous>(bytes);
}

}  // namespace mapwire::testing
