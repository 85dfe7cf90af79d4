// The memory of one end of a test.
#pragma once

#include <cstdint>
#include <expected>

#include "mapwire/endpoints/context.h"
#include "tools/session.h"

namespace mapwire::tools {

struct TestMemory {
  MemoryRegion source;
  MemoryRegion target;  // open to the peer

  // For messages of at most `bytes` bytes. Errors: kOutOfMemory, kLimitReached.
  static std::expected<TestMemory, Error> create(Context& context, std::uint64_t bytes);
};

// How the session of a test of this kind receives. `receive_entries` are those of this end.
SessionOptions session_options(const TestRequest& request, std::uint32_t receive_entries);

}  // namespace mapwire::tools
