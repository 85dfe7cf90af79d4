#include "tools/test_messages.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mapwire::tools {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The encoded message with `from` replaced by `to`, which must be there.
std::vector<std::byte> with(std::span<const std::byte> message, std::string_view from,
                            std::string_view to) {
  std::string text = text_of(message);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  return bytes_of(text.replace(at, from.size(), to));
}

TestRequest some_request() {
  return {.kind = TestKind::kBandwidth,
          .op = TestOp::kWrite,
          .bytes_min = 2,
          .bytes_max = 8388608,
          .depth = 128,
          .bidirectional = true,
          .verify = false,
          .sleep = true,
          .memory = {.address = 0xffff'ffff'ffff'f000, .bytes = 4096, .rkey = 0xdeadbeef}};
}

TEST(test_messages, a_request_arrives_as_it_was_sent) {
  const auto decoded = decode_request(encode(some_request()));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->kind, TestKind::kBandwidth);
  EXPECT_EQ(decoded->op, TestOp::kWrite);
  EXPECT_EQ(decoded->bytes_min, 2U);
  EXPECT_EQ(decoded->bytes_max, 8388608U);
  EXPECT_EQ(decoded->depth, 128U);
  EXPECT_TRUE(decoded->bidirectional);
  EXPECT_FALSE(decoded->verify);
  EXPECT_TRUE(decoded->sleep);
  EXPECT_EQ(decoded->memory.address, 0xffff'ffff'ffff'f000U);
  EXPECT_EQ(decoded->memory.bytes, 4096U);
  EXPECT_EQ(decoded->memory.rkey, 0xdeadbeefU);
}

TEST(test_messages, every_op_has_a_name_that_is_understood) {
  for (const TestOpEntry& op : test_ops()) {
    EXPECT_EQ(entry(op.op).name, op.name);
    TestRequest request = some_request();
    request.op = op.op;
    const auto decoded = decode_request(encode(request));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->op, op.op);
  }
}

TEST(test_messages, another_version_is_told_from_garbage) {
  const auto newer =
      decode_request(with(encode(some_request()), R"("version":1)", R"("version":2)"));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Code::kVersionMismatch);
  for (const char* garbage : {"", "x", "[]", "{", "null", "\xff\xfe", "GET / HTTP/1.1\r\n\r\n"}) {
    const auto decoded = decode_request(bytes_of(garbage));
    ASSERT_FALSE(decoded) << garbage;
    EXPECT_EQ(decoded.error().code, Code::kProtocolError) << garbage;
  }
}

TEST(test_messages, wrong_members_of_a_request_are_refused_by_name) {
  struct Case {
    const char* from;
    const char* to;
    const char* named;
  };
  const auto good = encode(some_request());
  for (const Case& wrong :
       {Case{R"("op":"write")", R"("op":"move")", "'op'"},
        Case{R"("test":"bw")", R"("test":7)", "'test'"},
        Case{R"("bytes_max":8388608)", R"("bytes_max":-1)", "'bytes_max'"},
        Case{R"("bytes_max":8388608)", R"("bytes_max":1e30)", "'bytes_max'"},
        Case{R"("bytes_max":8388608)", R"("bytes_max":2147483649)", "'bytes_max'"},
        Case{R"("bytes_max":8388608)", R"("bytes_max":1)", "'bytes_min'"},
        Case{R"("bytes_min":2)", R"("bytes_min":0)", "'bytes_min'"},
        Case{R"("depth":128)", R"("depth":0)", "'depth'"},
        Case{R"("depth":128)", R"("depth":4097)", "'depth'"},
        Case{R"("rkey":3735928559)", R"("rkey":4294967296)", "'rkey'"},
        Case{R"("verify":false)", R"("verify":0)", "'verify'"},
        Case{R"("sleep":)", R"("slept":)", "'sleep'"}}) {
    const auto decoded = decode_request(with(good, wrong.from, wrong.to));
    ASSERT_FALSE(decoded) << wrong.to;
    EXPECT_EQ(decoded.error().code, Code::kProtocolError);
    EXPECT_NE(decoded.error().message.find(wrong.named), std::string::npos)
        << decoded.error().message;
  }
}

TEST(test_messages, an_answer_arrives_as_it_was_sent) {
  const TestAnswer answer{.code = Code::kLimitReached,
                          .message = "no \"room\"",
                          .server = {.version = "1.2.3",
                                     .processors = "0-1",
                                     .threads = "single",
                                     .progress = "inline",
                                     .memory = "heap"},
                          .memory = {.address = 1, .bytes = 2, .rkey = 3}};
  const auto decoded = decode_answer(encode(answer));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->code, Code::kLimitReached);
  EXPECT_EQ(decoded->message, "no \"room\"");
  EXPECT_EQ(decoded->server.version, "1.2.3");
  EXPECT_EQ(decoded->server.processors, "0-1");
  EXPECT_EQ(decoded->server.threads, "single");
  EXPECT_EQ(decoded->server.progress, "inline");
  EXPECT_EQ(decoded->server.memory, "heap");
  EXPECT_EQ(decoded->memory.rkey, 3U);
}

TEST(test_messages, no_answer_is_too_long_for_a_control_message) {
  const TestAnswer answer{
      .message = std::string(10'000, '\xff'),
      .server = {.version = "1.2.3",
                 .processors = std::string(10'000, '1'),
                 .threads = "single",
                 .progress = "inline",
                 .memory = "registered"},
      .memory = {.address = UINT64_MAX, .bytes = UINT64_MAX, .rkey = UINT32_MAX}};
  const auto encoded = encode(answer);
  EXPECT_LE(encoded.size(), kControlBytesMax);
  EXPECT_TRUE(decode_answer(encoded));
}

TEST(test_messages, a_phase_arrives_as_it_was_sent) {
  for (const PhaseKind kind :
       {PhaseKind::kStart, PhaseKind::kReady, PhaseKind::kEnd, PhaseKind::kDone, PhaseKind::kBye}) {
    const auto decoded = decode_phase(encode(PhaseMessage{
        .kind = kind, .bytes = 64, .iterations = 1000, .messages = 1100, .mismatches = 1}));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->kind, kind);
    EXPECT_EQ(decoded->bytes, 64U);
    EXPECT_EQ(decoded->iterations, 1000U);
    EXPECT_EQ(decoded->messages, 1100U);
    EXPECT_EQ(decoded->mismatches, 1U);
  }
}

TEST(test_messages, an_unknown_phase_is_refused) {
  const auto decoded = decode_phase(
      with(encode(PhaseMessage{.kind = PhaseKind::kReady}), R"("ready")", R"("rest")"));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Code::kProtocolError);
}

TEST(test_messages, only_a_test_server_greets_as_one) {
  EXPECT_TRUE(is_server_greeting(server_greeting()));
  EXPECT_FALSE(is_server_greeting({}));
  EXPECT_FALSE(is_server_greeting(bytes_of("mapwire echo server")));
}

}  // namespace
}  // namespace mapwire::tools
