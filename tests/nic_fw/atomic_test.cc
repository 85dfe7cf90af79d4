#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;
using proto::WorkOpcode;

class Atomic : public ::testing::Test {
 protected:
  void SetUp() override {
    keys_ = *pair_.b.engine.register_memory(std::as_writable_bytes(std::span{words_}),
                                            {.remote_atomic = true}, 1);
  }
  proto::SendDescriptor atomic(std::uint64_t cookie, WorkOpcode opcode, std::uint64_t swap_or_add,
                               std::uint64_t compare = 0) {
    auto descriptor = remote_of(cookie, opcode, std::as_bytes(std::span{&original_, 1}),
                                reinterpret_cast<std::uint64_t>(words_.data()), keys_.rkey);
    descriptor.swap_or_add = swap_or_add;
    descriptor.compare = compare;
    return descriptor;
  }

  Pair pair_;
  std::array<std::uint64_t, 2> words_{100, 0};
  std::uint64_t original_ = 0;
  MemoryKeys keys_;
};

TEST_F(Atomic, fetch_and_add_adds_and_answers_what_was_there) {
  pair_.post_a(atomic(1, WorkOpcode::kFetchAdd, 5));
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kOk}});
  EXPECT_EQ(words_[0], 105U);
  EXPECT_EQ(original_, 100U);
}

TEST_F(Atomic, compare_and_swap_swaps_what_is_equal) {
  pair_.post_a(atomic(1, WorkOpcode::kCompareSwap, 7, 100));
  pair_.run();
  EXPECT_EQ(words_[0], 7U);
  EXPECT_EQ(original_, 100U);
}

TEST_F(Atomic, compare_and_swap_leaves_what_differs) {
  pair_.post_a(atomic(1, WorkOpcode::kCompareSwap, 7, 99));
  pair_.run();
  EXPECT_EQ(words_[0], 100U);
  EXPECT_EQ(original_, 100U);
}

TEST_F(Atomic, is_executed_once_when_its_answer_is_lost) {
  pair_.post_a(atomic(1, WorkOpcode::kFetchAdd, 5));
  int answers = 0;
  pair_.run_for(kSecond, [&](const TestPacket& packet) {
    return packet.opcode() != Opcode::kAtomicAcknowledge || ++answers > 2;
  });
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(words_[0], 105U);
  EXPECT_EQ(original_, 100U) << "the replayed answer";
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Atomic, off_an_eight_byte_boundary_is_invalid) {
  auto descriptor = atomic(1, WorkOpcode::kFetchAdd, 5);
  descriptor.remote_address += 4;
  pair_.post_a(descriptor);
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kRemoteInvalidRequest}});
  EXPECT_EQ(words_[0], 100U);
}

TEST_F(Atomic, without_the_right_is_refused) {
  const auto keys = *pair_.b.engine.register_memory(std::as_writable_bytes(std::span{words_}),
                                                    {.remote_read = true, .remote_write = true}, 1);
  auto descriptor = atomic(1, WorkOpcode::kFetchAdd, 5);
  descriptor.rkey = keys.rkey;
  pair_.post_a(descriptor);
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kRemoteAccess}});
  EXPECT_EQ(words_[0], 100U);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
