// An application that shares its rings with the engine and breaks their rules.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;

TEST(HostileRing, an_impossible_send_index_ends_that_queue_pair_alone) {
  HandMadePeer peer;
  TestQueuePair good{peer.host};
  good.connect(peer.address, 1024);
  peer.post(send_of(1, kMessage));
  peer.take();

  peer.qp.send_ring().header().tail = 1000;
  peer.host.engine.on_send_doorbell(peer.qp.qpn(), peer.now_ns);

  expect_completions(peer.host, {{1, Code::kRingCorrupt}});
  const auto events = peer.host.async_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].code, Code::kRingCorrupt);
  EXPECT_EQ(peer.host.counters().ring_corrupt.value(), 1U);
  EXPECT_TRUE(good.post(send_of(2, kMessage), peer.now_ns));
  EXPECT_EQ(peer.take().size(), 1U);
}

TEST(HostileRing, an_impossible_receive_index_ends_the_queue_pair_when_it_matters) {
  HandMadePeer peer;
  peer.qp.receive_ring().header().tail = 1000;
  peer.give(peer.packet(Opcode::kSendOnly), kMessage);
  const auto events = peer.host.async_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].code, Code::kRingCorrupt);
}

TEST(HostileRing, a_corrupt_completion_queue_ends_the_queue_pairs_that_need_it) {
  HandMadePeer peer;
  peer.host.completion_ring().header().head = 77;
  peer.post(send_of(1, kMessage));
  const auto events = peer.host.async_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].code, Code::kRingCorrupt);
  EXPECT_TRUE(peer.take().empty());
}

TEST(HostileRing, no_more_is_taken_than_fits_while_the_peer_is_silent) {
  HandMadePeer peer{{.queue_pair = {.send_entries = 4}}};
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_TRUE(peer.post(send_of(i, kMessage)));
  EXPECT_FALSE(peer.post(send_of(8, kMessage)));
  EXPECT_EQ(peer.take().size(), 4U);
  peer.give(peer.ack(1));
  EXPECT_EQ(peer.take().size(), 2U);
}

TEST(HostileRing, completions_that_nobody_reaps_stop_requests_and_lose_none) {
  HandMadePeer peer{{.queue_pair = {.send_entries = 8, .receive_entries = 8},
                     .host = {.completion_entries = 16}}};
  std::uint32_t sent = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    peer.post(send_of(i, kMessage));
    sent += static_cast<std::uint32_t>(peer.take().size());
    if (sent > 0) peer.give(peer.ack(sent - 1));
  }
  EXPECT_EQ(sent, 16U);
  EXPECT_FALSE(peer.host.engine.has_output(true));
  const auto first = peer.host.completions();
  EXPECT_EQ(first.size(), 16U);
  // Room again: what waited in the ring goes on by itself.
  ASSERT_NE(peer.host.engine.next_deadline_ns(), UINT64_MAX);
  peer.pass(peer.host.engine.next_deadline_ns() - peer.now_ns);
  EXPECT_EQ(peer.take().size(), 8U);
}

TEST(HostileRing, without_room_for_its_completion_a_receive_is_not_there) {
  HandMadePeer peer{{.queue_pair = {.send_entries = 8, .receive_entries = 8},
                     .host = {.completion_entries = 16}}};
  std::vector<std::byte> buffer(10);
  std::uint32_t taken = 0;
  for (; taken < 20; ++taken) {
    peer.post(receive_of(taken, buffer));
    peer.give(peer.packet(Opcode::kSendOnly, taken), kMessage);
    if (peer.take()[0].parsed().aeth.type != proto::AethType::kAck) break;
  }
  EXPECT_EQ(taken, 16U);
  EXPECT_EQ(peer.host.completions().size(), 16U);
  peer.give(peer.packet(Opcode::kSendOnly, taken), kMessage);
  EXPECT_EQ(peer.host.completions().size(), 1U);
}

TEST(HostileRing, a_flush_without_room_for_completions_catches_up) {
  HandMadePeer peer{{.queue_pair = {.send_entries = 8, .receive_entries = 8},
                     .host = {.completion_entries = 16}}};
  std::vector<std::byte> buffer(10);
  for (std::uint64_t i = 0; i < 16; ++i) peer.post(send_of(i, kMessage));
  for (std::uint64_t i = 0; i < 8; ++i) peer.post(receive_of(100 + i, buffer));
  peer.take();
  peer.host.engine.flush_queue_pair(peer.qp.qpn(), Code::kPeerDead);
  std::size_t completed = peer.host.completions().size();
  EXPECT_EQ(completed, 16U);
  peer.pass(2 * kMs);
  completed += peer.host.completions().size();
  EXPECT_EQ(completed, 24U);
}

// Garbage descriptors: each completes once, with a failure or not, and nothing crashes.
TEST(HostileRing, random_descriptors_complete_once) {
  std::mt19937_64 random{1};
  for (int round = 0; round < 200; ++round) {
    HandMadePeer peer;
    for (std::uint64_t i = 0; i < 16; ++i) {
      proto::SendDescriptor descriptor = send_of(i, kMessage);
      auto* bytes = reinterpret_cast<unsigned char*>(&descriptor);
      // Not the address: with kAnyMemoryLkey it is believed, as memcpy would.
      if (random() % 2 == 0) bytes[8 + random() % 40] = static_cast<unsigned char>(random());
      if (random() % 4 == 0) bytes[60 + random() % 68] = static_cast<unsigned char>(random());
      peer.post(descriptor);
      proto::ReceiveDescriptor receive;
      receive.cookie = 100 + i;
      reinterpret_cast<unsigned char*>(&receive)[8 + random() % 8] =
          static_cast<unsigned char>(random());
      peer.post(receive);
      peer.take();
      peer.give(peer.packet(Opcode::kSendOnly, static_cast<std::uint32_t>(i)));
    }
    peer.host.engine.flush_queue_pair(peer.qp.qpn(), Code::kPeerDead);
    ASSERT_EQ(peer.host.completions().size(), 32U) << "round " << round;
  }
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
