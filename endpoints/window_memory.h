// Memory to export that importers of the same host map, so that a put of theirs is a store.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>

#include "mapwire/runtime/error.h"

namespace mapwire {

// A file of its own (memfd), mapped here. Importers on the wire shm map it too, as far as the
// rights of the export let the processor's memory protection enforce them: with `read`, and with
// `write` if there are `atomics`. All others reach it through the NIC, as they do any memory.
//
// When an Export of it ends it moves to a new file, at the same address and with what it holds, so
// that importers keep the old one and nothing that they store arrives any more, whatever they do.
// That takes a copy of all that was ever written, and room for it. What is stored there meanwhile
// may be lost: by threads of this process, by requests that are under way into it, by importers of
// another export of the same bytes. What was asked of the kernel for these pages (mlock, a NUMA
// policy, the registration with a device) is over, and a child that was forked keeps the old ones.
//
// Handles share the memory; it lives as long as one of them or an Export. Threads: any.
class WindowMemory {
 public:
  class Impl;
  // Makes `bytes` zeros, which the system backs with pages when they are first touched. Errors:
  // kInvalidArgument (0 bytes), kOutOfMemory, kSystemCall.
  static std::expected<WindowMemory, Error> create(std::size_t bytes);

  std::span<std::byte> memory() const;

 private:
  friend class Context;
  explicit WindowMemory(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace mapwire
