#include "mapwire/nic_fw/sim_wire.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/sim_network.h"
#include "tests/nic_fw/wire_test_support.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kNothingDue = std::numeric_limits<std::uint64_t>::max();

// Two wires, one link for both directions' packets unless a test adds more.
class SimWireTest : public ::testing::Test {
 protected:
  void attach(const SimLinkOptions& options) {
    link_ = network_.add_link(options);
    a_ = make_sim_wire(network_, link_);
    b_ = make_sim_wire(network_, link_);
    ASSERT_TRUE(a_->open(v4_address(1).ip));
    ASSERT_TRUE(b_->open(v4_address(2).ip));
  }
  void send(Wire& wire, const OwnedPacket& packet, std::uint64_t now_ns) {
    const WirePacket view = packet.view();
    ASSERT_EQ(wire.send({&view, 1}, now_ns), 1);
  }
  std::size_t receive(Wire& wire, std::uint64_t now_ns) { return wire.receive(packets_, now_ns); }

  const proto::Flow a_to_b_{v4_address(1), v4_address(2)};
  SimNetwork network_;
  SimLinkId link_ = 0;
  std::unique_ptr<Wire> a_;
  std::unique_ptr<Wire> b_;
  std::array<WirePacket, 8> packets_;
};

TEST_F(SimWireTest, delivers_after_the_delay_and_not_before) {
  attach({.delay_ns = 1000});
  send(*a_, plain_packet(a_to_b_, 7), 500);

  EXPECT_EQ(b_->next_deadline_ns(), 1500);
  EXPECT_EQ(receive(*b_, 1499), 0);
  ASSERT_EQ(receive(*b_, 1500), 1);
  EXPECT_EQ(packets_[0].flow, a_to_b_);
  EXPECT_EQ(packets_[0].bytes.size(), 64);
  EXPECT_EQ(packets_[0].bytes[63], std::byte{7});
  EXPECT_EQ(b_->next_deadline_ns(), kNothingDue);
}

TEST_F(SimWireTest, serialises_packets_at_the_rate_of_the_link) {
  attach({.bits_per_second = 1'000'000'000, .delay_ns = 0});
  // 972 bytes and 28 of headers are 8 us at 1 Gbit/s.
  send(*a_, plain_packet(a_to_b_, 1, 972), 0);
  send(*a_, plain_packet(a_to_b_, 2, 972), 0);

  EXPECT_EQ(receive(*b_, 7'999), 0);
  EXPECT_EQ(receive(*b_, 8'000), 1);
  EXPECT_EQ(receive(*b_, 15'999), 0);
  EXPECT_EQ(receive(*b_, 16'000), 1);
}

TEST_F(SimWireTest, an_idle_link_does_not_save_up_time) {
  attach({.bits_per_second = 1'000'000'000, .delay_ns = 0});
  send(*a_, plain_packet(a_to_b_, 1, 972), 1'000'000);
  EXPECT_EQ(b_->next_deadline_ns(), 1'008'000);
}

TEST_F(SimWireTest, drops_the_tail_when_the_queue_is_full) {
  attach({.bits_per_second = 1'000'000'000, .delay_ns = 0, .queue_bytes_max = 2'500});
  for (std::uint8_t i = 0; i < 4; ++i) send(*a_, plain_packet(a_to_b_, i, 972), 0);

  EXPECT_EQ(network_.dropped(link_), 2);
  ASSERT_EQ(receive(*b_, 1'000'000), 2);
  EXPECT_EQ(packets_[1].bytes[0], std::byte{1});
}

TEST_F(SimWireTest, the_queue_drains_with_time) {
  attach({.bits_per_second = 1'000'000'000, .delay_ns = 0, .queue_bytes_max = 1'000});
  send(*a_, plain_packet(a_to_b_, 1, 972), 0);
  send(*a_, plain_packet(a_to_b_, 2, 972), 8'000);
  EXPECT_EQ(network_.dropped(link_), 0);
  EXPECT_EQ(receive(*b_, 16'000), 2);
}

TEST_F(SimWireTest, wires_on_one_link_share_its_rate) {
  attach({.bits_per_second = 1'000'000'000, .delay_ns = 0});
  auto c = make_sim_wire(network_, link_);
  ASSERT_TRUE(c->open(v4_address(3).ip));
  send(*a_, plain_packet(a_to_b_, 1, 972), 0);
  send(*c, plain_packet({v4_address(3), v4_address(2)}, 2, 972), 0);
  EXPECT_EQ(receive(*b_, 8'000), 1);
  EXPECT_EQ(receive(*b_, 16'000), 1);
}

TEST_F(SimWireTest, packets_that_arrive_together_keep_their_order) {
  attach({.delay_ns = 10});
  for (std::uint8_t i = 0; i < 8; ++i) send(*a_, plain_packet(a_to_b_, i), 0);
  ASSERT_EQ(receive(*b_, 10), 8);
  for (std::uint8_t i = 0; i < 8; ++i) EXPECT_EQ(packets_[i].bytes[0], std::byte{i});
}

TEST_F(SimWireTest, receive_takes_no_more_than_there_is_room_for) {
  attach({.delay_ns = 10});
  for (std::uint8_t i = 0; i < 3; ++i) send(*a_, plain_packet(a_to_b_, i), 0);
  EXPECT_EQ(b_->receive(std::span{packets_}.first(2), 10), 2);
  ASSERT_EQ(b_->receive(std::span{packets_}.first(2), 10), 1);
  EXPECT_EQ(packets_[0].bytes[0], std::byte{2});
}

TEST_F(SimWireTest, a_packet_to_nobody_vanishes) {
  attach({});
  send(*a_, plain_packet({v4_address(1), v4_address(9)}, 1), 0);
  send(*a_, plain_packet({v4_address(1), v4_address(2, 1234)}, 1), 0);
  EXPECT_EQ(b_->next_deadline_ns(), kNothingDue);
}

TEST_F(SimWireTest, a_packet_larger_than_the_route_allows_vanishes) {
  const SimLinkId link = network_.add_link({});
  auto small = make_sim_wire(network_, link, {.payload_bytes_max = 100});
  auto other = make_sim_wire(network_, link);
  ASSERT_TRUE(other->open(v4_address(2).ip));
  EXPECT_EQ(small->payload_bytes_max(v4_address(1).ip, v4_address(2).ip), 100);
  send(*small, plain_packet(a_to_b_, 1, 101), 0);
  EXPECT_EQ(other->next_deadline_ns(), kNothingDue);
  send(*small, plain_packet(a_to_b_, 1, 100), 0);
  EXPECT_NE(other->next_deadline_ns(), kNothingDue);
}

TEST_F(SimWireTest, an_address_belongs_to_one_wire) {
  attach({});
  EXPECT_EQ(a_->open(v4_address(1).ip), v4_address(1));
  auto taken = b_->open(v4_address(1).ip);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::kAddressInUse);
}

}  // namespace
}  // namespace mapwire::nic_fw
