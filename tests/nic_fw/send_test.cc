#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

TEST(Send, delivers_a_message_and_completes_on_both_sides) {
  Pair pair;
  const auto message = test_bytes(100);
  std::vector<std::byte> buffer(200);

  // Receive.
  ASSERT_TRUE(pair.post_b(receive_of(7, buffer)));
  ASSERT_TRUE(pair.post_a(send_of(9, message)));
  const auto requests = pair.carry(pair.a, pair.b);

  // Expect: one packet that asks for an acknowledgement.
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].opcode(), proto::Opcode::kSendOnly);
  EXPECT_TRUE(requests[0].parsed().bth.ack_request);
  EXPECT_EQ(requests[0].psn(), pair.qa.address.first_psn);
  const auto received = pair.b.completions();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].cookie, 7U);
  EXPECT_EQ(received[0].opcode, proto::WorkOpcode::kReceive);
  EXPECT_EQ(received[0].bytes, 100U);
  EXPECT_EQ(received[0].flags, 0);
  EXPECT_TRUE(std::equal(message.begin(), message.end(), buffer.begin()));

  // Receive the acknowledgement.
  EXPECT_TRUE(pair.a.completions().empty());
  const auto answers = pair.carry(pair.b, pair.a);

  // Expect.
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].opcode(), proto::Opcode::kAcknowledge);
  EXPECT_EQ(answers[0].parsed().aeth.msn, 1U);
  expect_completions(pair.a, {{9, Code::kOk}});
}

TEST(Send, cuts_a_message_at_the_path_mtu) {
  Pair pair{{.path_mtu = 256}};
  const auto message = test_bytes(700);
  std::vector<std::byte> buffer(700);
  pair.post_b(receive_of(1, buffer));
  auto descriptor = send_of(2, message, proto::WorkOpcode::kSendImmediate);
  descriptor.immediate = 0xabcd;
  pair.post_a(descriptor);

  const auto requests = pair.carry(pair.a, pair.b);

  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].opcode(), proto::Opcode::kSendFirst);
  EXPECT_EQ(requests[1].opcode(), proto::Opcode::kSendMiddle);
  EXPECT_EQ(requests[2].opcode(), proto::Opcode::kSendLastImmediate);
  EXPECT_FALSE(requests[0].parsed().bth.ack_request);
  const auto received = pair.b.completions();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].immediate, 0xabcdU);
  EXPECT_EQ(received[0].flags, proto::kFlagImmediate);
  EXPECT_EQ(buffer, message);
}

TEST(Send, an_empty_message_is_one_packet) {
  Pair pair;
  pair.post_b(receive_of(1, {}));
  pair.post_a(send_of(2, {}));
  pair.run();
  expect_completions(pair.a, {{2, Code::kOk}});
  expect_completions(pair.b, {{1, Code::kOk}});
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
