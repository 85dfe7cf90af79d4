#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::AethType;
using proto::NakCode;
using proto::Opcode;

TEST(Duplicate, a_send_is_acknowledged_again_and_has_no_effect) {
  HandMadePeer peer;
  std::vector<std::byte> first(10);
  std::vector<std::byte> second(10);
  peer.post(receive_of(1, first));
  peer.post(receive_of(2, second));
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  peer.take();
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  const auto answers = peer.take();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].psn(), peer.address.first_psn);
  expect_completions(peer.host, {{1, Code::kOk}});
  EXPECT_EQ(second, std::vector<std::byte>(10));
  EXPECT_EQ(peer.host.counters().duplicates.value(), 1U);
}

TEST(Duplicate, a_write_does_not_overwrite_what_came_later) {
  HandMadePeer peer;
  std::vector<std::byte> target(10);
  const auto keys = *peer.host.engine.register_memory(target, {.remote_write = true}, 1);
  const proto::Reth reth{.address = address_of(target), .rkey = keys.rkey, .length = 10};
  peer.give(peer.with_reth(Opcode::kWriteOnly, 0, reth), test_bytes(10, 1));
  peer.give(peer.with_reth(Opcode::kWriteOnly, 1, reth), test_bytes(10, 2));
  peer.give(peer.with_reth(Opcode::kWriteOnly, 0, reth), test_bytes(10, 1));
  EXPECT_EQ(target, test_bytes(10, 2));
}

class DuplicateRead : public ::testing::Test {
 protected:
  void SetUp() override {
    keys_ = *peer_.host.engine.register_memory(source_, {.remote_read = true}, 1);
  }
  proto::Packet read(std::uint32_t ahead, std::uint32_t offset, std::uint32_t length) {
    return peer_.with_reth(
        Opcode::kReadRequest, ahead,
        {.address = address_of(source_) + offset, .rkey = keys_.rkey, .length = length});
  }
  HandMadePeer peer_{{.path_mtu = 256}};
  std::vector<std::byte> source_ = test_bytes(2000);
  MemoryKeys keys_;
};

TEST_F(DuplicateRead, is_executed_again) {
  peer_.give(read(0, 0, 1000));
  const auto first = peer_.take();
  peer_.give(read(0, 0, 1000));
  const auto second = peer_.take();
  ASSERT_EQ(first.size(), 4U);
  ASSERT_EQ(second.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(first[i].bytes, second[i].bytes);
}

TEST_F(DuplicateRead, may_start_in_the_middle) {
  peer_.give(read(0, 0, 1000));
  peer_.take();
  peer_.give(read(2, 512, 488));
  const auto again = peer_.take();
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].opcode(), Opcode::kReadResponseFirst);
  EXPECT_EQ(again[0].psn(), (peer_.address.first_psn + 2) & proto::kPsnMask);
  EXPECT_EQ(again[1].opcode(), Opcode::kReadResponseLast);
  EXPECT_EQ(again[1].parsed().payload.size(), 232U);
}

TEST_F(DuplicateRead, that_names_other_memory_is_ignored) {
  peer_.give(read(0, 0, 1000));
  peer_.take();
  peer_.give(read(0, 256, 1000));
  peer_.give(read(0, 0, 2000));
  peer_.give(read(1, 256, 745));
  peer_.give(read(1, 0, 744));
  peer_.give(read(1, 256, 743));
  auto other_key = read(0, 0, 1000);
  other_key.reth.rkey ^= 1;
  peer_.give(other_key);
  EXPECT_TRUE(peer_.take().empty());
  expect_completions(peer_.host, {});
  EXPECT_TRUE(peer_.host.async_events().empty());
}

TEST_F(DuplicateRead, that_comes_while_it_is_answered_costs_nothing) {
  peer_.give(read(0, 0, 1000));
  EXPECT_EQ(peer_.host.transmit(peer_.now_ns, true, 1).size(), 1U);
  peer_.give(read(2, 512, 488));
  EXPECT_EQ(peer_.take().size(), 3U);
}

TEST_F(DuplicateRead, is_answered_before_younger_ones) {
  peer_.give(read(0, 0, 1000));
  peer_.take();
  peer_.give(read(4, 0, 300));
  peer_.give(read(3, 768, 232));
  const auto answers = peer_.take();
  ASSERT_EQ(answers.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(answers[i].psn(), (peer_.address.first_psn + 3 + i) & proto::kPsnMask);
  }
}

// The peer had its answer and said so, in other words, before the repetition came.
TEST_F(DuplicateRead, that_finds_the_region_gone_is_dropped) {
  std::vector<std::byte> other(10);
  const auto others = *peer_.host.engine.register_memory(other, {.remote_read = true}, 1);
  peer_.give(read(0, 0, 1000));
  peer_.take();
  peer_.host.engine.deregister_memory(keys_.lkey);
  peer_.give(read(1, 256, 744));
  EXPECT_TRUE(peer_.take().empty());
  EXPECT_TRUE(peer_.host.async_events().empty());
  peer_.give(peer_.with_reth(Opcode::kReadRequest, 4,
                             {.address = address_of(other), .rkey = others.rkey, .length = 10}));
  EXPECT_EQ(peer_.take().size(), 1U);
}

TEST_F(DuplicateRead, that_is_not_answered_in_full_is_refused_when_the_region_is_gone) {
  peer_.give(read(0, 0, 1000));
  EXPECT_EQ(peer_.host.transmit(peer_.now_ns, true, 1).size(), 1U);
  peer_.host.engine.deregister_memory(keys_.lkey);
  peer_.give(read(0, 0, 1000));
  peer_.expect_nak(NakCode::kRemoteAccessError);
}

TEST_F(DuplicateRead, older_than_the_resources_is_ignored) {
  for (std::uint32_t i = 0; i < 5; ++i) {
    peer_.give(read(i, 0, 100));
    peer_.take();
  }
  peer_.give(read(0, 0, 100));
  EXPECT_TRUE(peer_.take().empty());
  peer_.give(read(1, 0, 100));
  EXPECT_EQ(peer_.take().size(), 1U);
}

TEST_F(DuplicateRead, more_unanswered_ones_than_agreed_are_invalid) {
  for (std::uint32_t i = 0; i < 5; ++i) peer_.give(read(i, 0, 100));
  const auto answers = peer_.take();
  ASSERT_EQ(answers.size(), 5U);
  EXPECT_EQ(answers[3].opcode(), Opcode::kReadResponseOnly);
  EXPECT_EQ(answers[4].parsed().aeth.type, AethType::kNak);
}

TEST(Duplicate, an_atomic_is_answered_from_memory) {
  HandMadePeer peer;
  std::array<std::uint64_t, 1> word{10};
  const auto keys = *peer.host.engine.register_memory(std::as_writable_bytes(std::span{word}),
                                                      {.remote_atomic = true}, 1);
  auto add = peer.packet(Opcode::kFetchAdd);
  add.atomic = {.address = reinterpret_cast<std::uint64_t>(word.data()),
                .rkey = keys.rkey,
                .swap_or_add = 5,
                .compare = 0};
  peer.give(add);
  const auto first = peer.take();
  word[0] = 1000;
  peer.give(add);
  const auto second = peer.take();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].parsed().atomic_original, 10U);
  EXPECT_EQ(word[0], 1000U);
}

TEST(Duplicate, a_packet_ahead_is_answered_once_per_gap) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  for (std::uint64_t i = 0; i < 4; ++i) peer.post(receive_of(i, buffer));
  peer.give(peer.packet(Opcode::kSendOnly, 1), kMessage);
  peer.expect_nak(NakCode::kPsnSequenceError);
  peer.give(peer.packet(Opcode::kSendOnly, 2), kMessage);
  peer.give(peer.packet(Opcode::kSendOnly, 3), kMessage);
  EXPECT_TRUE(peer.take().empty());
  // The sender went back and lost the same packet again.
  peer.give(peer.packet(Opcode::kSendOnly, 1), kMessage);
  peer.expect_nak(NakCode::kPsnSequenceError);
  // The gap is filled.
  peer.give(peer.packet(Opcode::kSendOnly, 0), kMessage);
  peer.give(peer.packet(Opcode::kSendOnly, 1), kMessage);
  EXPECT_EQ(peer.take()[0].parsed().aeth.type, AethType::kAck);
  EXPECT_EQ(peer.host.completions().size(), 2U);
}

TEST(Duplicate, a_gap_that_closes_before_it_was_told_is_not_told) {
  HandMadePeer peer;
  std::vector<std::byte> buffer(10);
  peer.post(receive_of(1, buffer));
  peer.give(peer.packet(Opcode::kSendOnly, 1), kMessage);
  peer.give(peer.packet(Opcode::kSendOnly, 0), kMessage);
  const auto answers = peer.take();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].parsed().aeth.type, AethType::kAck);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
