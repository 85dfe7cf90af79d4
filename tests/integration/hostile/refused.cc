#include "tests/integration/hostile/refused.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>

#include "mapwire/proto/shm_wire.h"
#include "mapwire/runtime/unique_fd.h"
#include "tests/test_program.h"

namespace mapwire::hostile {
namespace {

constexpr auto kBytes = static_cast<off_t>(proto::kShmBytes);

void expect(bool refused, const char* what) {
  if (!refused) fail(std::string{"was let "} + what);
}

void expect_file_sealed(int fd) {
  expect(::ftruncate(fd, 0) != 0, "cut a block");
  expect(::ftruncate(fd, 2 * kBytes) != 0, "grow a block");
  expect(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBytes) != 0,
         "punch a hole into a block");
  expect(::pwrite(fd, "x", 1, 0) < 0, "write into a block");
  expect(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0, "seal a block");
  void* memory = ::mmap(nullptr, proto::kShmBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  expect(memory == MAP_FAILED, "map a block for writing");
}

}  // namespace

void expect_sealed(int fd) {
  expect_file_sealed(fd);
  // Opened anew it is the same file.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const UniqueFd again{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (again) expect_file_sealed(again.get());
}

void expect_read_only(std::span<std::byte> memory) {
  expect(::mprotect(memory.data(), memory.size(), PROT_READ | PROT_WRITE) != 0,
         "make a block writable");
  expect(::madvise(memory.data(), memory.size(), MADV_REMOVE) != 0, "empty a block");
}

}  // namespace mapwire::hostile
