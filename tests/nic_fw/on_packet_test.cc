// The gate every packet passes, and its counters.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;

class OnPacket : public ::testing::Test {
 protected:
  void SetUp() override { peer_.post(receive_of(1, buffer_)); }
  const EngineCounters& counters() const { return peer_.host.counters(); }
  void give(const TestPacket& packet) { peer_.host.receive(packet, peer_.now_ns); }
  void expect_dropped() {
    EXPECT_TRUE(peer_.host.completions().empty());
    EXPECT_TRUE(peer_.take().empty());
  }
  void expect_taken() { expect_completions(peer_.host, {{1, Code::kOk}}); }

  HandMadePeer peer_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(10);
};

TEST_F(OnPacket, takes_a_whole_packet_of_its_peer) {
  give(peer_.seal(peer_.packet(Opcode::kSendOnly), kMessage));
  expect_taken();
  EXPECT_EQ(counters().packets_received.value(), 1U);
  EXPECT_EQ(counters().payload_bytes_received.value(), 10U);
}

TEST_F(OnPacket, any_flipped_bit_is_dropped) {
  const TestPacket good = peer_.seal(peer_.packet(Opcode::kSendOnly), kMessage);
  for (std::size_t bit = 0; bit < 8 * good.bytes.size(); ++bit) {
    TestPacket bad = good;
    bad.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    if (bit / 8 == 4) continue;  // BTH resv8a: routers may change it, so the ICRC leaves it out
    give(bad);
    ASSERT_TRUE(peer_.host.completions().empty()) << "bit " << bit;
    ASSERT_TRUE(peer_.take().empty()) << "bit " << bit;
  }
  EXPECT_GT(counters().dropped_icrc.value(), 0U);
  EXPECT_GT(counters().dropped_unknown_qpn.value(), 0U);
  EXPECT_GT(counters().dropped_malformed.value(), 0U);
  give(good);
  expect_taken();
}

TEST_F(OnPacket, any_shorter_packet_is_dropped) {
  const TestPacket good = peer_.seal(peer_.packet(Opcode::kSendOnly), kMessage);
  for (std::size_t size = 0; size < good.bytes.size(); ++size) {
    TestPacket bad = good;
    bad.bytes.resize(size);
    give(bad);
  }
  expect_dropped();
  EXPECT_EQ(counters().packets_received.value(), good.bytes.size());
}

TEST_F(OnPacket, another_source_address_is_dropped) {
  TestPacket packet = peer_.seal(peer_.packet(Opcode::kSendOnly), kMessage);
  packet.flow.source.ip.bytes[3] ^= 1;
  proto::seal(packet.flow, 0, packet.bytes);
  give(packet);
  expect_dropped();
  EXPECT_EQ(counters().dropped_source.value(), 1U);
}

TEST_F(OnPacket, another_source_port_is_dropped) {
  TestPacket packet = peer_.seal(peer_.packet(Opcode::kSendOnly), kMessage);
  ++packet.flow.source.port;
  proto::seal(packet.flow, 0, packet.bytes);
  give(packet);
  expect_dropped();
  EXPECT_EQ(counters().dropped_source.value(), 1U);
}

TEST_F(OnPacket, an_unknown_queue_pair_is_counted) {
  auto packet = peer_.packet(Opcode::kSendOnly);
  packet.bth.dest_qpn ^= 0x10;
  peer_.give(packet, kMessage);
  packet.bth.dest_qpn = 0;
  peer_.give(packet, kMessage);
  expect_dropped();
  EXPECT_EQ(counters().dropped_unknown_qpn.value(), 2U);
}

TEST_F(OnPacket, partitions_but_the_default_are_dropped) {
  auto packet = peer_.packet(Opcode::kSendOnly);
  packet.bth.pkey = 0x1234;
  peer_.give(packet, kMessage);
  expect_dropped();
  EXPECT_EQ(counters().dropped_malformed.value(), 1U);
  packet.bth.pkey = 0x7fff;
  peer_.give(packet, kMessage);
  expect_taken();
}

TEST_F(OnPacket, datagrams_are_dropped) {
  peer_.give(peer_.packet(Opcode::kUdSendOnly), kMessage);
  expect_dropped();
  EXPECT_EQ(counters().dropped_malformed.value(), 1U);
}

TEST_F(OnPacket, nothing_is_taken_before_the_peer_is_known) {
  TestQueuePair open{peer_.host};
  auto packet = peer_.packet(Opcode::kSendOnly);
  packet.bth.dest_qpn = open.qpn();
  peer_.give(packet, kMessage);
  expect_dropped();
  EXPECT_EQ(counters().dropped_source.value(), 1U);
}

TEST_F(OnPacket, random_bytes_are_dropped) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 2000; ++i) {
    TestPacket packet = peer_.seal(peer_.packet(Opcode::kSendOnly), kMessage);
    packet.bytes.resize(random() % 200);
    for (std::byte& byte : packet.bytes) byte = static_cast<std::byte>(random());
    give(packet);
  }
  expect_dropped();
}

// A NIC of another make numbers its IPv4 packets and picks its source port.
TEST(OnPacketForeign, identification_and_source_port_are_its_own) {
  HandMadePeer peer;
  TestQueuePair foreign{peer.host};
  std::vector<std::byte> buffer(10);
  foreign.connect(peer.address, 1024, true);
  foreign.post(receive_of(1, buffer), peer.now_ns);
  auto send = peer.packet(Opcode::kSendOnly);
  send.bth.dest_qpn = foreign.qpn();
  TestPacket packet = peer.seal(send, kMessage);
  packet.flow.source.port = 49'152;
  proto::seal(packet.flow, 0xfa3a, packet.bytes);
  peer.host.receive(packet, peer.now_ns);
  expect_completions(peer.host, {{1, Code::kOk}});
}

TEST(OnPacketForeign, peers_of_our_own_make_count_the_pieces_of_one_send_alone) {
  for (const unsigned identification : {0U, 1U, 63U, 64U, 256U, 0xffffU}) {
    HandMadePeer peer;
    TestPacket packet = peer.seal(peer.packet(Opcode::kSendOnly), kMessage);
    proto::seal(packet.flow, static_cast<std::uint16_t>(identification), packet.bytes);
    peer.host.receive(packet, peer.now_ns);
    EXPECT_EQ(peer.host.counters().dropped_icrc.value(), identification < 64 ? 0U : 1U);
  }
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
