#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;
using proto::WorkOpcode;

class Write : public ::testing::Test {
 protected:
  void SetUp() override {
    keys_ = *pair_.b.engine.register_memory(target_, {.remote_write = true}, 1);
  }
  proto::SendDescriptor write(std::uint64_t cookie, std::size_t offset,
                              WorkOpcode opcode = WorkOpcode::kWrite) {
    return remote_of(cookie, opcode, message_, address_of(target_) + offset, keys_.rkey);
  }

  Pair pair_{{.path_mtu = 256}};
  std::vector<std::byte> message_ = test_bytes(600);
  std::vector<std::byte> target_ = std::vector<std::byte>(1000);
  MemoryKeys keys_;
};

TEST_F(Write, places_bytes_without_a_receive) {
  pair_.post_a(write(1, 100));
  const auto requests = pair_.carry(pair_.a, pair_.b);

  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].opcode(), Opcode::kWriteFirst);
  EXPECT_EQ(requests[0].parsed().reth.length, 600U);
  EXPECT_EQ(requests[1].opcode(), Opcode::kWriteMiddle);
  EXPECT_EQ(requests[2].opcode(), Opcode::kWriteLast);
  EXPECT_TRUE(std::equal(message_.begin(), message_.end(), target_.begin() + 100));
  EXPECT_EQ(target_[99], std::byte{0});
  EXPECT_EQ(target_[700], std::byte{0});
  EXPECT_TRUE(pair_.b.completions().empty());
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Write, with_immediate_consumes_a_receive_and_says_its_length) {
  pair_.post_b(receive_of(5, {}));
  auto descriptor = write(1, 0, WorkOpcode::kWriteImmediate);
  descriptor.immediate = 42;
  pair_.post_a(descriptor);
  pair_.run();

  const auto received = pair_.b.completions();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].cookie, 5U);
  EXPECT_EQ(received[0].opcode, WorkOpcode::kReceiveWrite);
  EXPECT_EQ(received[0].bytes, 600U);
  EXPECT_EQ(received[0].immediate, 42U);
  EXPECT_EQ(received[0].flags, proto::kFlagImmediate);
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Write, an_empty_one_needs_no_key) {
  pair_.post_a(remote_of(1, WorkOpcode::kWrite, {}, 0, 0));
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Write, beyond_the_region_is_refused_before_a_byte_moves) {
  pair_.post_a(write(1, 401));
  pair_.post_a(write(2, 0));
  pair_.run();

  expect_completions(pair_.a, {{1, Code::kRemoteAccess}, {2, Code::kFlushed}});
  EXPECT_EQ(target_, std::vector<std::byte>(1000));
  EXPECT_EQ(pair_.b.counters().access_refused.value(), 1U);
  const auto events = pair_.b.async_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].code, Code::kRemoteAccess);
}

TEST_F(Write, stops_when_the_region_goes_in_the_middle_of_a_message) {
  pair_.post_a(write(1, 0));
  const auto requests = pair_.a.transmit(pair_.now_ns);
  pair_.b.receive(requests[0], pair_.now_ns);
  pair_.b.engine.deregister_memory(keys_.lkey);
  pair_.b.receive(requests[1], pair_.now_ns);
  pair_.run();

  expect_completions(pair_.a, {{1, Code::kRemoteAccess}});
  EXPECT_EQ(target_[256], std::byte{0});
}

TEST_F(Write, gathers_from_three_elements) {
  auto descriptor = write(1, 0);
  descriptor.sge_count = 3;
  descriptor.sge[0] = sge_of(std::span{message_}.first(1));
  descriptor.sge[1] = sge_of(std::span{message_}.subspan(1, 298));
  descriptor.sge[2] = sge_of(std::span{message_}.subspan(299));
  pair_.post_a(descriptor);
  pair_.run();
  EXPECT_TRUE(std::equal(message_.begin(), message_.end(), target_.begin()));
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
