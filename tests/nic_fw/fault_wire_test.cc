#include "mapwire/nic_fw/fault_wire.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/wire_test_support.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kNoDue = std::numeric_limits<std::uint64_t>::max();

class FaultWireTest : public ::testing::Test {
 protected:
  void make(const FaultOptions& options) {
    auto recorder = std::make_unique<RecordingWire>();
    recorder->sent = &sent_;
    recorder_ = recorder.get();
    wire_ = std::make_unique<FaultWire>(std::move(recorder), options);
  }
  void send(std::uint8_t mark, std::uint64_t now_ns = 0) {
    const OwnedPacket packet = plain_packet(flow_, mark);
    const WirePacket view = packet.view();
    ASSERT_EQ(wire_->send({&view, 1}, now_ns), 1);
  }
  void send_many(int count) {
    for (int i = 0; i < count; ++i) send(static_cast<std::uint8_t>(i));
  }
  std::vector<std::uint8_t> marks() const {
    std::vector<std::uint8_t> result;
    result.reserve(sent_.size());
    for (const auto& packet : sent_)
      result.push_back(std::to_integer<std::uint8_t>(packet.bytes[0]));
    return result;
  }

  const proto::Flow flow_{v4_address(1), v4_address(2)};
  std::vector<OwnedPacket> sent_;
  RecordingWire* recorder_ = nullptr;
  std::unique_ptr<FaultWire> wire_;
  std::array<WirePacket, 4> packets_;
};

TEST_F(FaultWireTest, without_faults_everything_passes_in_order) {
  make({});
  send_many(200);
  ASSERT_EQ(sent_.size(), 200);
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(sent_[i].bytes, plain_packet(flow_, static_cast<std::uint8_t>(i)).bytes);
    EXPECT_EQ(sent_[i].flow, flow_);
  }
}

TEST_F(FaultWireTest, loses_packets_at_about_the_given_rate) {
  make({.loss = 0.1, .seed = 3});
  send_many(10'000);
  EXPECT_NEAR(static_cast<double>(wire_->tally().lost), 1000, 150);
  EXPECT_EQ(sent_.size() + wire_->tally().lost, 10'000);
}

TEST_F(FaultWireTest, duplicates_follow_their_packet) {
  make({.duplicate = 1});
  send(1);
  send(2);
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{1, 1, 2, 2}));
  EXPECT_EQ(wire_->tally().duplicated, 2);
}

TEST_F(FaultWireTest, flips_exactly_one_bit_of_a_packet_it_hits) {
  make({.flip = 1, .seed = 5});
  send_many(100);
  ASSERT_EQ(sent_.size(), 100);
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    int flipped = 0;
    for (const std::byte byte : sent_[i].bytes) {
      const auto difference = std::to_integer<unsigned>(byte) ^ static_cast<unsigned>(i);
      flipped += std::popcount(difference);
    }
    EXPECT_EQ(flipped, 1);
  }
}

TEST_F(FaultWireTest, leaves_the_callers_bytes_alone) {
  make({.flip = 1});
  const OwnedPacket packet = plain_packet(flow_, 9);
  const WirePacket view = packet.view();
  wire_->send({&view, 1}, 0);
  EXPECT_EQ(packet.bytes, plain_packet(flow_, 9).bytes);
}

TEST_F(FaultWireTest, reordered_packets_all_arrive_and_whole) {
  make({.reorder = 0.2, .seed = 11});
  send_many(200);
  wire_->receive(packets_, kHeldNs);
  ASSERT_EQ(sent_.size(), 200);
  auto order = marks();
  EXPECT_FALSE(std::ranges::is_sorted(order));
  std::ranges::sort(order);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(order[i], i);
  for (const auto& packet : sent_) EXPECT_EQ(packet.bytes.size(), 64);
}

TEST_F(FaultWireTest, a_held_packet_goes_out_behind_a_bounded_number_of_others) {
  make({.reorder = 0.2, .seed = 11});
  send_many(200);
  const auto order = marks();
  for (std::size_t i = 0; i < order.size(); ++i) {
    // Held packets that are released meanwhile come on top.
    EXPECT_LE(i, order[i] + kHeldBehindMax + kHeldPacketsMax) << "packet " << int{order[i]};
  }
}

TEST_F(FaultWireTest, a_held_packet_goes_out_by_time_when_nothing_follows) {
  make({.reorder = 1});
  send(1, 100);
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(wire_->next_deadline_ns(), 100 + kHeldNs);

  wire_->receive(packets_, 100 + kHeldNs - 1);
  EXPECT_TRUE(sent_.empty());
  wire_->receive(packets_, 100 + kHeldNs);
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{1}));
  EXPECT_EQ(wire_->next_deadline_ns(), kNoDue);
}

TEST_F(FaultWireTest, holds_a_bounded_number_of_packets) {
  make({.reorder = 1});
  send_many(static_cast<int>(kHeldPacketsMax));
  EXPECT_TRUE(sent_.empty());
  send(kHeldPacketsMax);
  EXPECT_EQ(wire_->tally().reordered, kHeldPacketsMax);
  EXPECT_EQ(marks().front(), kHeldPacketsMax);
}

TEST_F(FaultWireTest, the_same_seed_does_the_same_and_another_does_not) {
  const auto run = [this](std::uint64_t seed) {
    sent_.clear();
    make({.loss = 0.1, .duplicate = 0.1, .reorder = 0.1, .flip = 0.1, .seed = seed});
    send_many(250);
    std::vector<std::vector<std::byte>> result;
    result.reserve(sent_.size());
    for (const auto& packet : sent_) result.push_back(packet.bytes);
    return result;
  };
  const auto first = run(1);
  EXPECT_EQ(first, run(1));
  EXPECT_NE(first, run(2));
}

TEST_F(FaultWireTest, loses_nothing_when_the_wrapped_wire_has_no_room) {
  make({});
  recorder_->room = 0;
  const OwnedPacket packet = plain_packet(flow_, 1);
  const std::array<WirePacket, 2> views{packet.view(), packet.view()};
  EXPECT_EQ(wire_->send(views, 0), 0);
  recorder_->room = 1;
  EXPECT_EQ(wire_->send(views, 0), 2);
}

TEST_F(FaultWireTest, keeps_a_due_packet_until_the_wrapped_wire_has_room) {
  make({.reorder = 1});
  send(1, 0);
  recorder_->room = 0;
  wire_->receive(packets_, kHeldNs);
  EXPECT_TRUE(sent_.empty());
  recorder_->room = 1;
  wire_->receive(packets_, kHeldNs);
  EXPECT_EQ(sent_.size(), 1);
}

TEST_F(FaultWireTest, a_cut_stops_both_directions_until_it_is_mended) {
  make({});
  recorder_->incoming.push_back(plain_packet({v4_address(2), v4_address(1)}, 4));
  wire_->set_cut(true);
  send(1);
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(wire_->receive(packets_, 0), 0);

  wire_->set_cut(false);
  send(2);
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{2}));
  EXPECT_EQ(wire_->receive(packets_, 0), 1);
}

TEST_F(FaultWireTest, a_cut_swallows_held_packets_too) {
  make({.reorder = 1});
  send(1, 0);
  wire_->set_cut(true);
  wire_->receive(packets_, kHeldNs);
  wire_->set_cut(false);
  wire_->receive(packets_, 2 * kHeldNs);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(FaultWireTest, answers_for_the_wire_it_wraps) {
  make({});
  EXPECT_EQ(wire_->name(), "recording");
  EXPECT_EQ(wire_->open(v4_address(1).ip), v4_address(1));
  EXPECT_EQ(wire_->payload_bytes_max(v4_address(1).ip, v4_address(2).ip), 1472);
  EXPECT_EQ(wire_->event_fd(), -1);
}

}  // namespace
}  // namespace mapwire::nic_fw
