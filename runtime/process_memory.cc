#include "mapwire/runtime/process_memory.h"

#include <cerrno>
#include <cstring>

#include <sys/uio.h>
#include <unistd.h>

namespace mapwire {
namespace {

using Copy = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                         unsigned long);

enum class Outcome : std::uint8_t { kDone, kGone, kRefused };

// By the thread's own number, asked for each time: that of the process names the parent in a child
// of fork, and nobody once its first thread has ended.
Outcome copy_all(Copy copy, std::uint64_t address, void* own, std::size_t bytes) {
  const iovec here{.iov_base = own, .iov_len = bytes};
  const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = bytes};
  const ssize_t copied = copy(::gettid(), &here, 1, &there, 1, 0);
  if (copied == static_cast<ssize_t>(bytes)) return Outcome::kDone;
  return copied < 0 && (errno == EPERM || errno == ENOSYS) ? Outcome::kRefused : Outcome::kGone;
}

bool kernel_copies() {
  std::uint64_t from = 0x6d61'7077;
  std::uint64_t to = 0;
  return copy_all(::process_vm_readv, reinterpret_cast<std::uint64_t>(&from), &to, sizeof(to)) ==
             Outcome::kDone &&
         copy_all(::process_vm_writev, reinterpret_cast<std::uint64_t>(&to), &from, sizeof(from)) ==
             Outcome::kDone &&
         from == to;
}

}  // namespace

ProcessMemory::ProcessMemory() : checks_{kernel_copies()} {}

bool ProcessMemory::read(std::uint64_t address, std::span<std::byte> to) const {
  if (checks_) {
    const Outcome outcome = copy_all(::process_vm_readv, address, to.data(), to.size());
    if (outcome != Outcome::kRefused) return outcome == Outcome::kDone;
  }
  std::memcpy(to.data(), reinterpret_cast<const std::byte*>(address), to.size());
  return true;
}

bool ProcessMemory::write(std::uint64_t address, std::span<const std::byte> from) const {
  // It is only read.
  auto* const own = const_cast<std::byte*>(from.data());
  if (checks_) {
    const Outcome outcome = copy_all(::process_vm_writev, address, own, from.size());
    if (outcome != Outcome::kRefused) return outcome == Outcome::kDone;
  }
  std::memcpy(reinterpret_cast<std::byte*>(address), own, from.size());
  return true;
}

}  // namespace mapwire
