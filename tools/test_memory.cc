#include "tools/test_memory.h"

#include <algorithm>
#include <utility>

namespace mapwire::tools {
namespace {

// Of a ping-pong: one message, one control message, and as many again whose credits have not
// reached the peer yet.
constexpr std::uint32_t kPingSlots = 4;
constexpr std::size_t kRegionBytesMin = 8;

bool opens_memory(TestOp op) {
  return op != TestOp::kSend && op != TestOp::kSendImmediate && op != TestOp::kPut;
}

}  // namespace

std::expected<TestMemory, Error> TestMemory::create(Context& context, TestOp op,
                                                    std::uint64_t bytes, MemoryKind kind) {
  const auto region_bytes = std::max(static_cast<std::size_t>(bytes), kRegionBytesMin);
  auto source = LocalMemory::create(context, region_bytes, kind);
  if (!source) return std::unexpected(source.error());
  auto target = context.allocate(
      opens_memory(op) ? region_bytes : kRegionBytesMin,
      {.local_write = true, .remote_read = true, .remote_write = true, .remote_atomic = true});
  if (!target) return std::unexpected(target.error());
  return TestMemory{.source = std::move(*source), .target = std::move(*target)};
}

SessionOptions session_options(const TestRequest& request, std::uint32_t receive_entries,
                               MemoryKind kind) {
  const bool streaming = request.kind == TestKind::kBandwidth;
  return {.receive_slots = streaming ? receive_entries : kPingSlots,
          .message_bytes = static_cast<std::size_t>(request.bytes_max),
          .one_buffer = streaming,
          .receives = kind,
          .sleep = request.sleep};
}

}  // namespace mapwire::tools
