#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cstdlib>

#include "mapwire/runtime/unique_fd.h"
#include "tests/endpoints/changing_memory.h"

namespace mapwire::testing {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// NOLINTBEGIN(cppcoreguidelines-no-malloc): what is tested
class Heap final : public ChangingMemory {
 public:
  explicit Heap(std::size_t bytes) : bytes_{bytes}, base_{std::malloc(bytes)} {}
  ~Heap() override { std::free(base_); }

  std::string_view name() const override { return "heap"; }
  std::span<std::byte> memory() override { return {static_cast<std::byte*>(base_), bytes_}; }
  void change(std::mt19937_64& random) override {
    std::free(base_);
    if (random() % 4 == 0) ::malloc_trim(0);
    base_ = std::malloc(bytes_);
    if (base_ == nullptr) std::abort();
  }

 private:
  std::size_t bytes_;
  void* base_;
};

// NOLINTEND(cppcoreguidelines-no-malloc)

class File final : public ChangingMemory {
 public:
  File(std::size_t bytes, bool shared)
      : bytes_{bytes}, shared_{shared}, fd_{::memfd_create("changing", MFD_CLOEXEC)} {
    if (!fd_ || ::ftruncate(fd_.get(), size()) != 0) std::abort();
    base_ = ::mmap(nullptr, bytes, kReadWrite, shared ? MAP_SHARED : MAP_PRIVATE, fd_.get(), 0);
    if (base_ == MAP_FAILED) std::abort();
  }
  ~File() override { ::munmap(base_, bytes_); }

  std::string_view name() const override { return shared_ ? "shared file" : "private file"; }
  std::span<std::byte> memory() override { return {static_cast<std::byte*>(base_), bytes_}; }
  void change(std::mt19937_64& random) override {
    switch (random() % 3) {
      case 0:
        if (::ftruncate(fd_.get(), 0) != 0 || ::ftruncate(fd_.get(), size()) != 0) std::abort();
        return;
      case 1: ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size()); return;
      default: ::madvise(base_, bytes_, shared_ ? MADV_REMOVE : MADV_DONTNEED);
    }
  }

 private:
  off_t size() const { return static_cast<off_t>(bytes_); }

  std::size_t bytes_;
  bool shared_;
  UniqueFd fd_;
  void* base_ = nullptr;
};

class Segment final : public ChangingMemory {
 public:
  explicit Segment(std::size_t bytes) : bytes_{bytes}, base_{attach()} {}
  ~Segment() override { ::shmdt(base_); }

  std::string_view name() const override { return "segment"; }
  std::span<std::byte> memory() override { return {static_cast<std::byte*>(base_), bytes_}; }
  void change(std::mt19937_64& /*random*/) override {
    ::shmdt(base_);
    base_ = attach();
  }

 private:
  void* attach() const {
    const int id = ::shmget(IPC_PRIVATE, bytes_, IPC_CREAT | 0600);
    void* const attached = ::shmat(id, nullptr, 0);
    ::shmctl(id, IPC_RMID, nullptr);
    if (reinterpret_cast<std::intptr_t>(attached) == -1) std::abort();
    return attached;
  }

  std::size_t bytes_;
  void* base_;
};

}  // namespace

std::unique_ptr<ChangingMemory> make_heap(std::size_t bytes) {
  return std::make_unique<Heap>(bytes);
}
std::unique_ptr<ChangingMemory> make_file(std::size_t bytes, bool shared) {
  return std::make_unique<File>(bytes, shared);
}
std::unique_ptr<ChangingMemory> make_segment(std::size_t bytes) {
  return std::make_unique<Segment>(bytes);
}

}  // namespace mapwire::testing
