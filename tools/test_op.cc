#include "tools/test_op.h"

#include <array>
#include <cstddef>

namespace mapwire::tools {
namespace {

// In the order of the enumeration.
constexpr std::array<TestOpEntry, 8> kOps{{
    {TestOp::kSend, "send", true, false, "SEND into a posted receive, answered by the same"},
    {TestOp::kSendImmediate, "send_imm", true, false, "SEND with immediate, answered by the same"},
    {TestOp::kWrite, "write", true, false,
     "WRITE into memory whose last byte the peer polls, answered by the same"},
    {TestOp::kWriteImmediate, "write_imm", true, false,
     "WRITE with immediate, seen as a completion, answered by the same"},
    {TestOp::kRead, "read", false, false, "READ of the server's memory"},
    {TestOp::kCompareSwap, "cas", false, true, "compare-and-swap of 8 bytes at the server"},
    {TestOp::kFetchAdd, "faa", false, true, "fetch-and-add to 8 bytes at the server"},
    {TestOp::kPut, "put", true, false,
     "put into a window whose last byte the peer polls, answered by the same; a store on one host"},
}};

}  // namespace

std::span<const TestOpEntry> test_ops() { return kOps; }

const TestOpEntry& entry(TestOp op) { return kOps[static_cast<std::size_t>(op)]; }

std::optional<TestOp> find_test_op(std::string_view name) {
  for (const TestOpEntry& candidate : kOps) {
    if (candidate.name == name) return candidate.op;
  }
  return std::nullopt;
}

std::string_view name(TestKind kind) {
  switch (kind) {
    case TestKind::kLatency: return "ping";
    case TestKind::kBandwidth: return "bw";
  }
  return "";
}

}  // namespace mapwire::tools
