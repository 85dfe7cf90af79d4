#include "tests/pins.h"

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "mapwire/runtime/clock.h"

namespace mapwire::testing {
namespace {

constexpr std::uint64_t kCopyDone = 0;  // user_data; others are tags of slots

std::uint64_t tag_of(std::uint32_t slot) { return std::uint64_t{slot} + 1; }

Code code_of(int os_errno) {
  switch (os_errno) {
    case EACCES:
    case EPERM: return Code::kPermission;
    case ENOMEM: return Code::kOutOfMemory;
    case EFAULT: return Code::kInvalidArgument;
    default: return Code::kSystemCall;
  }
}

std::unexpected<Error> no_ring(int os_errno) {
  return std::unexpected(
      Error::from_errno(code_of(os_errno), ErrorScope::kProcess, os_errno, "io_uring to pin with",
                        "allow it (`sysctl kernel.io_uring_disabled=0`) on Linux 5.19 or later"));
}

std::unexpected<Error> not_pinned(std::size_t bytes, int os_errno) {
  return std::unexpected(Error::from_errno(
      code_of(os_errno), ErrorScope::kRequest, os_errno, fmt::format("pins of {} bytes", bytes),
      os_errno == ENOMEM ? "allow more locked memory (`ulimit -l unlimited`), or register less"
                         : "register writable memory of at most 1 GiB that is no file's"));
}

void write_fixed(io_uring_sqe* entry, int fd, std::uint64_t address, unsigned bytes,
                 std::uint64_t offset, int slot) {
  io_uring_prep_write_fixed(entry, fd, reinterpret_cast<const void*>(address), bytes, offset, slot);
}

void read_fixed(io_uring_sqe* entry, int fd, std::uint64_t address, unsigned bytes,
                std::uint64_t offset, int slot) {
  io_uring_prep_read_fixed(entry, fd, reinterpret_cast<void*>(address), bytes, offset, slot);
}

}  // namespace

std::expected<std::unique_ptr<Pins>, Error> Pins::create(std::uint32_t slots) {
  io_uring ring{};
  int result = io_uring_queue_init(8, &ring, 0);
  if (result < 0) return no_ring(-result);
  std::unique_ptr<Pins> pins{new Pins{ring, slots}};
  result = io_uring_register_buffers_sparse(&pins->ring_, slots);
  if (result < 0) return no_ring(-result);
  for (std::uint32_t slot = slots; slot > 0; --slot) pins->free_.push_back(slot - 1);
  if (pins->unpins_late()) {
    return std::unexpected(
        Error::make(Code::kNotSupported, ErrorScope::kProcess,
                    "io_uring to pin with: this kernel unpins a second after it is told to, longer "
                    "than tests and peers wait; use Linux 6.4 or later"));
  }
  return pins;
}

// A slow machine is so once, such a kernel every time.
bool Pins::unpins_late() {
  constexpr std::uint64_t kLateNs = 500'000'000;
  std::vector<std::byte> memory(1);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto slot = pin(memory);
    if (!slot) return false;  // the first user is told why
    const std::uint64_t start_ns = now_ns();
    unpin(*slot);
    if (now_ns() - start_ns < kLateNs) return false;
  }
  return true;
}

// The end of a ring unpins in the background; unregistering does it before it returns.
Pins::~Pins() {
  io_uring_unregister_buffers(&ring_);
  io_uring_queue_exit(&ring_);
}

int Pins::update(std::uint32_t slot, std::span<std::byte> memory, std::uint64_t tag) {
  const iovec buffer{.iov_base = memory.data(), .iov_len = memory.size()};
  const __u64 kernel_tag = tag;
  return io_uring_register_buffers_update_tag(&ring_, slot, &buffer, &kernel_tag, 1);
}

std::expected<std::uint32_t, Error> Pins::pin(std::span<std::byte> memory) {
  if (free_.empty()) {
    return std::unexpected(Error::make(Code::kLimitReached, ErrorScope::kRequest,
                                       "pins: all slots are taken; deregister memory"));
  }
  const std::uint32_t slot = free_.back();
  const int result = update(slot, memory, tag_of(slot));
  if (result < 0) return not_pinned(memory.size(), -result);
  free_.pop_back();
  return slot;
}

// A buffer lives on while a request uses it, and the kernel frees a request a moment after it has
// completed (at once, if no worker thread was needed). So an empty slot alone does not say that the
// pages are free: the completion with the slot's tag does.
void Pins::unpin(std::uint32_t slot) {
  if (update(slot, {}, 0) != 1) std::abort();
  wait(tag_of(slot));
  free_.push_back(slot);
}

void Pins::copy(Direction direction, std::uint32_t slot, std::uint64_t address, std::uint64_t bytes,
                int fd, std::uint64_t offset) {
  const auto prepare = direction == Direction::kOut ? write_fixed : read_fixed;
  while (bytes > 0) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);  // there is one: each is waited for
    prepare(entry, fd, address, static_cast<unsigned>(bytes), offset, static_cast<int>(slot));
    io_uring_sqe_set_data64(entry, kCopyDone);
    const int result = submit_and_wait();
    if (result == -EINTR || result == -EAGAIN) continue;
    if (result <= 0) std::abort();
    const auto done = static_cast<std::uint64_t>(result);
    address += done;
    offset += done;
    bytes -= done;
  }
}

int Pins::submit_and_wait() {
  int submitted = 0;
  do {
    submitted = io_uring_submit(&ring_);
  } while (submitted == -EINTR || submitted == -EAGAIN);
  if (submitted != 1) std::abort();
  return wait(kCopyDone);
}

int Pins::wait(std::uint64_t user_data) {
  io_uring_cqe* entry = nullptr;
  int waited = 0;
  do {
    waited = io_uring_wait_cqe(&ring_, &entry);
  } while (waited == -EINTR || waited == -EAGAIN);
  if (waited != 0 || entry->user_data != user_data) std::abort();
  const int result = entry->res;
  io_uring_cqe_seen(&ring_, entry);
  return result;
}

}  // namespace mapwire::testing
