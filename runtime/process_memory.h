// Copies to and from memory of this process that may have gone: unmapped, without rights, or a file
// that was truncated. The kernel copies (process_vm_readv(2) of the process itself), looking at the
// pages while it does, so that a copy fails where a load or store would end the process. Memory
// that the kernel lends to nobody counts as gone: of memfd_secret(2), and of devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mapwire {

class ProcessMemory {
 public:
  // Tries one copy.
  ProcessMemory();

  // False: the system refuses such copies (a seccomp filter), so they are plain ones. They are as
  // well from the moment on that it begins to refuse them.
  bool checks() const { return checks_; }

  // Any thread. False: not all of the memory is there to be read or written; a part may have been
  // copied.
  bool read(std::uint64_t address, std::span<std::byte> to) const;
  bool write(std::uint64_t address, std::span<const std::byte> from) const;

 private:
  bool checks_;
};

}  // namespace mapwire
