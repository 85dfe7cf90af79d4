// The memory of one end of a test.
#pragma once

#include <cstdint>
#include <expected>

#include "mapwire/endpoints/context.h"
#include "tools/local_memory.h"
#include "tools/session.h"

namespace mapwire::tools {

struct TestMemory {
  LocalMemory source;
  MemoryRegion target;  // open to the peer

  // For `op` with at most `bytes` bytes. Errors: kOutOfMemory, kLimitReached.
  // `kind` is that of `source`.
  static std::expected<TestMemory, Error> create(Context& context, TestOp op, std::uint64_t bytes,
                                                 MemoryKind kind);
};

// How the session of a test of this kind receives. `receive_entries` are those of this end.
// `kind` is that of what it receives into.
SessionOptions session_options(const TestRequest& request, std::uint32_t receive_entries,
                               MemoryKind kind);

}  // namespace mapwire::tools
