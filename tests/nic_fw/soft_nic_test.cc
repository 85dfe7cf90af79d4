#include "mapwire/nic_fw/soft_nic.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/proto/packet.h"
#include "tests/nic_fw/wire_test_support.h"

namespace mapwire::nic_fw {
namespace {

using proto::CompletionEntry;
using proto::Opcode;
using proto::SendDescriptor;
using proto::WorkOpcode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a test sees and sets of one end of a cable.
struct CableEnd {
  std::deque<OwnedPacket> arrived;
  std::vector<OwnedPacket> sent;
  std::size_t room = std::numeric_limits<std::size_t>::max();  // of the wire, in packets
  std::size_t payload_bytes_max = 1472;

  std::vector<Opcode> sent_opcodes() const {
    std::vector<Opcode> opcodes;
    for (const OwnedPacket& packet : sent) {
      opcodes.push_back(proto::parse_packet(packet.bytes)->opcode());
    }
    return opcodes;
  }
};

class CableWire final : public Wire {
 public:
  CableWire(CableEnd& own, CableEnd& peer) : own_{own}, peer_{peer} {}

  std::string_view name() const override { return "cable"; }
  std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& local) override {
    return proto::UdpAddress{.ip = local, .port = proto::kRocePort};
  }
  std::expected<proto::UdpAddress, Error> open_roce_port(const proto::IpAddress& local) override {
    return open(local);
  }
  std::expected<std::size_t, Error> payload_bytes_max(const proto::IpAddress&,
                                                      const proto::IpAddress&) override {
    return own_.payload_bytes_max;
  }
  std::size_t send(std::span<const WirePacket> packets, std::uint64_t) override {
    const std::size_t taken = std::min(own_.room, packets.size());
    own_.room -= taken;
    for (const WirePacket& packet : packets.first(taken)) {
      own_.sent.push_back({packet.flow, {packet.bytes.begin(), packet.bytes.end()}});
      peer_.arrived.push_back(own_.sent.back());
    }
    return taken;
  }
  std::size_t receive(std::span<WirePacket> packets, std::uint64_t) override {
    received_.clear();
    while (received_.size() < packets.size() && !own_.arrived.empty()) {
      received_.push_back(std::move(own_.arrived.front()));
      own_.arrived.pop_front();
      packets[received_.size() - 1] = received_.back().view();
    }
    return received_.size();
  }
  int event_fd() const override { return -1; }
  std::uint64_t next_deadline_ns() const override {
    return own_.arrived.empty() ? std::numeric_limits<std::uint64_t>::max() : 0;
  }

 private:
  CableEnd& own_;
  CableEnd& peer_;
  std::deque<OwnedPacket> received_;
};

class SoftNicTest : public ::testing::Test {
 protected:
  void SetUp() override {
    left_ = make(left_end_, right_end_, 1);
    right_ = make(right_end_, left_end_, 2);
    const auto left = left_->open_queue_pair({}, kLeft, kRight);
    const auto right = right_->open_queue_pair({}, kRight, kLeft);
    ASSERT_TRUE(left && right);
    left_qpn_ = left->qpn;
    right_qpn_ = right->qpn;
    ASSERT_TRUE(
        left_->connect_queue_pair(left_qpn_, {.address = *right, .path_mtu = 256}, now_ns_));
    ASSERT_TRUE(
        right_->connect_queue_pair(right_qpn_, {.address = *left, .path_mtu = 256}, now_ns_));
  }

  static std::unique_ptr<Nic> make(CableEnd& own, CableEnd& peer, std::uint64_t seed) {
    auto nic = make_soft_nic({.seed = seed}, std::make_unique<CableWire>(own, peer), nullptr);
    EXPECT_TRUE(nic) << nic.error().message;
    return std::move(*nic);
  }

  proto::Sge memory(std::size_t bytes) {
    return {.address = reinterpret_cast<std::uint64_t>(memory_.data()),
            .bytes = static_cast<std::uint32_t>(bytes)};
  }
  bool send(Nic& nic, Qpn qpn, std::size_t bytes, std::uint64_t cookie = 0) {
    return nic.post_send(qpn, {.cookie = cookie, .sge_count = 1, .sge = {memory(bytes)}}, now_ns_);
  }
  bool receive(Nic& nic, Qpn qpn, std::size_t bytes) {
    return nic.post_receive(qpn, {.sge_count = 1, .sge = {memory(bytes)}}, now_ns_);
  }
  std::size_t poll(Nic& nic) {
    std::array<CompletionEntry, 16> completions;
    return nic.poll(completions, now_ns_).completions;
  }
  // The left end has a message out, and the right one has polled its completion.
  void deliver_a_message() {
    EXPECT_TRUE(receive(*right_, right_qpn_, 8));
    EXPECT_TRUE(send(*left_, left_qpn_, 8));
    EXPECT_EQ(poll(*right_), 1U);
  }

  static constexpr proto::IpAddress kLeft{.bytes = {192, 0, 2, 1}};
  static constexpr proto::IpAddress kRight{.bytes = {192, 0, 2, 2}};

  std::uint64_t now_ns_ = 1'000'000;
  std::vector<std::byte> memory_ = std::vector<std::byte>(100'000);
  CableEnd left_end_;
  CableEnd right_end_;
  std::unique_ptr<Nic> left_;
  std::unique_ptr<Nic> right_;
  Qpn left_qpn_ = 0;
  Qpn right_qpn_ = 0;
};

TEST_F(SoftNicTest, says_what_it_is) {
  EXPECT_EQ(left_->attributes().name, "soft");
  EXPECT_EQ(left_->attributes().wire, "cable");
  EXPECT_TRUE(left_->attributes().reads_any_memory);
}

TEST_F(SoftNicTest, a_post_sends_before_it_returns) {
  EXPECT_TRUE(send(*left_, left_qpn_, 8));
  EXPECT_THAT(left_end_.sent_opcodes(), ElementsAre(Opcode::kSendOnly));
}

TEST_F(SoftNicTest, a_reply_overtakes_the_acknowledgement) {
  deliver_a_message();
  EXPECT_THAT(right_end_.sent_opcodes(), IsEmpty());
  EXPECT_TRUE(send(*right_, right_qpn_, 8));
  EXPECT_THAT(right_end_.sent_opcodes(), ElementsAre(Opcode::kSendOnly, Opcode::kAcknowledge));
}

TEST_F(SoftNicTest, without_a_reply_the_next_poll_acknowledges_and_is_due_at_once) {
  deliver_a_message();
  EXPECT_EQ(right_->next_deadline_ns(), 0U);
  EXPECT_EQ(poll(*right_), 0U);
  EXPECT_THAT(right_end_.sent_opcodes(), ElementsAre(Opcode::kAcknowledge));
  EXPECT_GT(right_->next_deadline_ns(), now_ns_);
}

TEST_F(SoftNicTest, a_poll_that_yields_no_completion_acknowledges_at_once) {
  const auto keys = right_->register_memory(memory_, {.remote_write = true}, 1);
  ASSERT_TRUE(keys);
  const SendDescriptor write{.opcode = WorkOpcode::kWrite,
                             .sge_count = 1,
                             .remote_address = memory(8).address,
                             .rkey = keys->rkey,
                             .sge = {memory(8)}};
  EXPECT_TRUE(left_->post_send(left_qpn_, write, now_ns_));
  EXPECT_EQ(poll(*right_), 0U);
  EXPECT_THAT(right_end_.sent_opcodes(), ElementsAre(Opcode::kAcknowledge));
}

TEST_F(SoftNicTest, packets_the_wire_did_not_take_go_first_next_time_and_in_order) {
  EXPECT_TRUE(receive(*right_, right_qpn_, 10 * 256));
  left_end_.room = 3;
  EXPECT_TRUE(send(*left_, left_qpn_, 10 * 256));
  EXPECT_EQ(left_end_.sent.size(), 3U);
  left_end_.room = 2;
  EXPECT_EQ(poll(*left_), 0U);
  EXPECT_EQ(left_end_.sent.size(), 5U);
  left_end_.room = 100;
  EXPECT_EQ(poll(*left_), 0U);

  ASSERT_EQ(left_end_.sent.size(), 10U);
  std::uint32_t psn = proto::parse_packet(left_end_.sent[0].bytes)->bth.psn;
  for (const OwnedPacket& packet : left_end_.sent) {
    EXPECT_EQ(proto::parse_packet(packet.bytes)->bth.psn, psn);
    psn = (psn + 1) & 0xff'ffff;
  }
  EXPECT_EQ(poll(*right_), 1U);
}

TEST_F(SoftNicTest, a_full_wire_is_tried_again_soon_but_not_at_once) {
  left_end_.room = 0;
  EXPECT_TRUE(send(*left_, left_qpn_, 8));
  EXPECT_GT(left_->next_deadline_ns(), now_ns_);
  EXPECT_LE(left_->next_deadline_ns(), now_ns_ + 1'000'000);
  left_end_.room = 1;
  now_ns_ = left_->next_deadline_ns();
  poll(*left_);
  EXPECT_EQ(left_end_.sent.size(), 1U);
}

TEST_F(SoftNicTest, a_poll_takes_a_bounded_number_of_packets) {
  const OwnedPacket noise = plain_packet({}, 0);
  for (int i = 0; i < 1000; ++i) left_end_.arrived.push_back(noise);
  poll(*left_);
  EXPECT_EQ(left_end_.arrived.size(), 1000U - 64U);
  EXPECT_EQ(left_->next_deadline_ns(), 0U);
}

TEST_F(SoftNicTest, an_interface_number_of_the_peer_is_not_believed) {
  proto::IpAddress local{.family = proto::IpFamily::kV6, .bytes = {0xfe, 0x80}, .scope_id = 3};
  proto::IpAddress remote = local;
  remote.bytes[15] = 1;
  auto address = left_->open_queue_pair({}, local, remote);
  ASSERT_TRUE(address);
  QueuePairPeer peer{.address = *address, .path_mtu = 256};
  peer.address.udp.ip = remote;
  peer.address.udp.ip.scope_id = 7;
  ASSERT_TRUE(left_->connect_queue_pair(address->qpn, peer, now_ns_));
  EXPECT_TRUE(send(*left_, address->qpn, 8));
  ASSERT_EQ(left_end_.sent.size(), 1U);
  EXPECT_EQ(left_end_.sent[0].flow.source.ip.scope_id, 3U);
  EXPECT_EQ(left_end_.sent[0].flow.destination.ip.scope_id, 0U);
}

TEST(SoftNicPathMtu, follows_the_wire_and_the_option) {
  CableEnd own;
  CableEnd peer;
  auto nic = make_soft_nic({.path_mtu_max = 2048}, std::make_unique<CableWire>(own, peer), nullptr);
  ASSERT_TRUE(nic);
  const proto::IpAddress address{.bytes = {192, 0, 2, 1}};
  EXPECT_EQ((*nic)->open_queue_pair({}, address, address)->path_mtu_max, 1024U);
  own.payload_bytes_max = 8972;
  EXPECT_EQ((*nic)->open_queue_pair({}, address, address)->path_mtu_max, 2048U);
  own.payload_bytes_max = 291;
  auto refused = (*nic)->open_queue_pair({}, address, address);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kMtuMismatch);
}

TEST(SoftNicOptions, out_of_range_are_refused_by_name) {
  CableEnd own;
  CableEnd peer;
  const std::vector<std::pair<SoftNicOptions, const char*>> cases{
      {{.queue_pairs_max = 0}, "queue_pairs_max"},
      {{.completion_entries = 1000}, "completion_entries"},
      {{.completion_entries = 1U << 23}, "completion_entries"},
      {{.path_mtu_max = 128}, "path_mtu_max"},
      {{.path_mtu_max = 8192}, "path_mtu_max"}};
  for (const auto& [options, option] : cases) {
    auto nic = make_soft_nic(options, std::make_unique<CableWire>(own, peer), nullptr);
    ASSERT_FALSE(nic) << option;
    EXPECT_EQ(nic.error().code, Code::kInvalidArgument);
    EXPECT_THAT(nic.error().message, HasSubstr(option));
  }
}

}  // namespace
}  // namespace mapwire::nic_fw
