// The operations that ping and bw measure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mapwire::tools {

enum class TestKind : std::uint8_t { kLatency, kBandwidth };

enum class TestOp : std::uint8_t {
  kSend,
  kSendImmediate,
  kWrite,
  kWriteImmediate,
  kRead,
  kCompareSwap,
  kFetchAdd,
  kPut,
};

// How an operation is called on the command line and in JSON, and what a latency of it is.
struct TestOpEntry {
  TestOp op;
  std::string_view name;  // "write_imm"
  bool ping_pong;         // the server answers: half the round trip; otherwise the full time
  bool atomic;            // always 8 bytes
  std::string_view how;   // one line for people
};

// All of them.
std::span<const TestOpEntry> test_ops();
const TestOpEntry& entry(TestOp op);
std::optional<TestOp> find_test_op(std::string_view name);

std::string_view name(TestKind kind);  // "ping", "bw": also the subcommand's name

}  // namespace mapwire::tools
