#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;
using proto::WorkOpcode;

class Read : public ::testing::Test {
 protected:
  void SetUp() override {
    keys_ = *pair_.b.engine.register_memory(source_, {.remote_read = true}, 1);
  }
  proto::SendDescriptor read(std::uint64_t cookie, std::span<std::byte> into,
                             std::size_t offset = 0) {
    return remote_of(cookie, WorkOpcode::kRead, into, address_of(source_) + offset, keys_.rkey);
  }

  Pair pair_{{.path_mtu = 256}};
  std::vector<std::byte> source_ = test_bytes(100'000);
  std::vector<std::byte> buffer_ = std::vector<std::byte>(100'000);
  MemoryKeys keys_;
};

TEST_F(Read, fetches_bytes_in_packets_of_the_path_mtu) {
  pair_.post_a(read(1, std::span{buffer_}.first(600), 50));
  const auto requests = pair_.carry(pair_.a, pair_.b);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].opcode(), Opcode::kReadRequest);

  const auto responses = pair_.carry(pair_.b, pair_.a);

  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[0].opcode(), Opcode::kReadResponseFirst);
  EXPECT_EQ(responses[1].opcode(), Opcode::kReadResponseMiddle);
  EXPECT_EQ(responses[2].opcode(), Opcode::kReadResponseLast);
  EXPECT_EQ(responses[2].psn(), (requests[0].psn() + 2) & proto::kPsnMask);
  EXPECT_TRUE(std::equal(buffer_.begin(), buffer_.begin() + 600, source_.begin() + 50));
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Read, a_long_one_goes_out_as_several_requests_within_the_limit) {
  pair_.post_a(read(1, buffer_));
  std::size_t requests = 0;
  std::uint64_t longest = 0;
  pair_.run([&](const TestPacket& packet) {
    if (packet.opcode() == Opcode::kReadRequest) {
      ++requests;
      longest = std::max<std::uint64_t>(longest, packet.parsed().reth.length);
    }
    return true;
  });
  EXPECT_EQ(requests, 7U);  // of 64 packets, 16 KiB
  EXPECT_EQ(longest, 16'384U);
  EXPECT_EQ(buffer_, source_);
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Read, an_empty_one_needs_no_key) {
  pair_.post_a(remote_of(1, WorkOpcode::kRead, {}, 0, 0));
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Read, without_the_right_is_refused) {
  const auto keys = *pair_.b.engine.register_memory(source_, {.remote_write = true}, 1);
  auto descriptor = read(1, std::span{buffer_}.first(10));
  descriptor.rkey = keys.rkey;
  pair_.post_a(descriptor);
  pair_.run();
  expect_completions(pair_.a, {{1, Code::kRemoteAccess}});
}

TEST_F(Read, a_lost_response_is_asked_for_once_and_from_there) {
  pair_.post_a(read(1, std::span{buffer_}.first(256 * 10)));
  int responses = 0;
  std::vector<TestPacket> requests;
  pair_.run([&](const TestPacket& packet) {
    if (packet.opcode() == Opcode::kReadRequest) {
      requests.push_back(packet);
      return true;
    }
    return ++responses != 4;
  });
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].psn(), (requests[0].psn() + 3) & proto::kPsnMask);
  EXPECT_EQ(requests[1].parsed().reth.address, requests[0].parsed().reth.address + 3 * 256);
  EXPECT_EQ(requests[1].parsed().reth.length, 7U * 256);
  EXPECT_TRUE(std::equal(buffer_.begin(), buffer_.begin() + 2560, source_.begin()));
  EXPECT_EQ(pair_.a.counters().timeouts.value(), 0U);
  expect_completions(pair_.a, {{1, Code::kOk}});
}

TEST_F(Read, an_acknowledgement_that_covers_it_shows_that_its_response_was_lost) {
  const auto message = test_bytes(10);
  std::vector<std::byte> received(10);
  pair_.post_b(receive_of(3, received));
  pair_.post_a(read(1, std::span{buffer_}.first(10)));
  pair_.post_a(send_of(2, message));
  int lost = 0;
  pair_.run([&](const TestPacket& packet) {
    return packet.opcode() != Opcode::kReadResponseOnly || ++lost > 1;
  });
  EXPECT_EQ(pair_.a.counters().timeouts.value(), 0U);
  expect_completions(pair_.a, {{1, Code::kOk}, {2, Code::kOk}});
  expect_completions(pair_.b, {{3, Code::kOk}});  // the SEND came twice and counted once
  EXPECT_TRUE(std::equal(buffer_.begin(), buffer_.begin() + 10, source_.begin()));
}

TEST_F(Read, a_refusal_behind_it_shows_that_its_response_was_lost) {
  const auto message = test_bytes(10);
  pair_.post_a(read(1, std::span{buffer_}.first(10)));
  pair_.post_a(remote_of(2, WorkOpcode::kWrite, message, address_of(source_), keys_.rkey));
  int lost = 0;
  pair_.run([&](const TestPacket& packet) {
    return packet.opcode() != Opcode::kReadResponseOnly || ++lost > 1;
  });
  EXPECT_EQ(pair_.a.counters().timeouts.value(), 0U);
  expect_completions(pair_.a, {{1, Code::kOk}, {2, Code::kRemoteAccess}});
  EXPECT_TRUE(std::equal(buffer_.begin(), buffer_.begin() + 10, source_.begin()));
}

TEST_F(Read, a_response_acknowledges_what_was_sent_before) {
  const auto message = test_bytes(10);
  std::vector<std::byte> received(10);
  pair_.post_b(receive_of(3, received));
  pair_.post_a(send_of(1, message));
  pair_.post_a(read(2, std::span{buffer_}.first(10)));
  pair_.carry(pair_.a, pair_.b);
  // Only the response gets through.
  const auto answers = pair_.b.transmit(pair_.now_ns);
  ASSERT_EQ(answers.size(), 1U) << "the response makes an acknowledgement superfluous";
  pair_.a.receive(answers[0], pair_.now_ns);
  expect_completions(pair_.a, {{1, Code::kOk}, {2, Code::kOk}});
}

TEST_F(Read, no_more_are_outstanding_than_the_peer_serves) {
  for (std::uint64_t i = 0; i < 10; ++i) pair_.post_a(read(i, std::span{buffer_}.first(1)));
  EXPECT_EQ(pair_.a.transmit(pair_.now_ns).size(), 4U);  // HostOptions::engine.read_atomic_max
}

TEST_F(Read, acknowledgements_do_not_overtake_responses) {
  const auto message = test_bytes(10);
  std::vector<std::byte> received(10);
  pair_.post_b(receive_of(3, received));
  pair_.post_a(read(1, std::span{buffer_}.first(600)));
  pair_.post_a(send_of(2, message));
  pair_.carry(pair_.a, pair_.b);

  const auto answers = pair_.b.transmit(pair_.now_ns);

  ASSERT_EQ(answers.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(answers[i].psn(), (pair_.qa.address.first_psn + i) & proto::kPsnMask);
  }
  EXPECT_EQ(answers[3].opcode(), Opcode::kAcknowledge);
}

TEST_F(Read, scatters_over_three_elements) {
  auto descriptor = read(1, std::span{buffer_}.first(600));
  descriptor.sge_count = 3;
  descriptor.sge[0] = sge_of(std::span{buffer_}.first(255));
  descriptor.sge[1] = sge_of(std::span{buffer_}.subspan(255, 2));
  descriptor.sge[2] = sge_of(std::span{buffer_}.subspan(257, 343));
  pair_.post_a(descriptor);
  pair_.run();
  EXPECT_TRUE(std::equal(buffer_.begin(), buffer_.begin() + 600, source_.begin()));
}

TEST_F(Read, fails_when_the_local_region_goes_before_the_response_comes) {
  const auto local = *pair_.a.engine.register_memory(buffer_, {}, 1);
  auto descriptor = read(1, std::span{buffer_}.first(10));
  descriptor.sge[0].lkey = local.lkey;
  pair_.post_a(descriptor);
  pair_.carry(pair_.a, pair_.b);
  pair_.a.engine.deregister_memory(local.lkey);
  pair_.carry(pair_.b, pair_.a);
  expect_completions(pair_.a, {{1, Code::kLocalProtection}});
  EXPECT_EQ(buffer_[0], std::byte{0});
}

TEST_F(Read, is_refused_when_the_region_goes_between_two_responses) {
  pair_.post_a(read(1, std::span{buffer_}.first(600)));
  pair_.carry(pair_.a, pair_.b);
  const auto first = pair_.b.transmit(pair_.now_ns, true, 1);
  pair_.b.engine.deregister_memory(keys_.lkey);
  const auto rest = pair_.b.transmit(pair_.now_ns);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].parsed().aeth.type, proto::AethType::kNak);
  pair_.a.receive(first[0], pair_.now_ns);
  pair_.a.receive(rest[0], pair_.now_ns);
  expect_completions(pair_.a, {{1, Code::kRemoteAccess}});
}

TEST_F(Read, towards_a_peer_that_serves_none_fails_at_once) {
  HandMadePeer peer;
  auto address = peer.address;
  address.read_atomic_max = 0;
  TestQueuePair qp{peer.host};
  qp.connect(address, 1024);
  qp.post(read(1, std::span{buffer_}.first(10)), kSecond);
  expect_completions(peer.host, {{1, Code::kRemoteInvalidRequest}});
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
