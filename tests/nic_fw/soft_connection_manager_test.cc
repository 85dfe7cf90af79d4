// The communication manager of the soft NIC on a wire: queue pair 1.
#include "mapwire/nic_fw/soft_connection_manager.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/management_datagram.h"
#include "mapwire/nic_fw/sim_network.h"
#include "mapwire/nic_fw/sim_wire.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/mad.h"
#include "tests/nic_fw/cm_pair.h"
#include "tests/proto/hex.h"

namespace mapwire::nic_fw {
namespace {

constexpr proto::Flow kToPassive{.source = {.ip = kActiveIp, .port = proto::kRocePort},
                                 .destination = {.ip = kPassiveIp, .port = proto::kRocePort}};

TEST(ManagementDatagram, is_a_datagram_between_the_queue_pairs_one) {
  proto::RawBytes<proto::kMadBytes> mad{};
  mad[0] = std::byte{0xab};
  const auto bytes = make_management_packet(kToPassive, mad, 0x123456);
  // SEND_ONLY of UD, migrated, default partition, QPN 1, PSN; then Q_Key and QPN of the sender.
  const auto headers = test::from_hex("64 40 ffff 00 000001 00 123456 80010000 00 000001 ab 00");
  EXPECT_TRUE(std::ranges::equal(std::span{bytes}.first(headers.size()), headers));
  EXPECT_TRUE(is_for_management(bytes));
  const auto read = read_management_packet(kToPassive, bytes);
  ASSERT_TRUE(read);
  EXPECT_TRUE(std::ranges::equal(*read, mad));
}

TEST(ManagementDatagram, of_another_make_has_an_identification_that_nobody_sees) {
  auto bytes = make_management_packet(kToPassive, proto::RawBytes<proto::kMadBytes>{}, 1);
  proto::seal(kToPassive, 0xfa3a, bytes);
  EXPECT_TRUE(read_management_packet(kToPassive, bytes));
}

TEST(ManagementDatagram, is_dropped_if_anything_about_it_is_wrong) {
  const auto good = make_management_packet(kToPassive, proto::RawBytes<proto::kMadBytes>{}, 1);
  const auto accepted = [&](std::size_t offset, std::uint8_t value) {
    auto bytes = good;
    bytes[offset] = static_cast<std::byte>(value);
    proto::seal(kToPassive, 0, bytes);
    return read_management_packet(kToPassive, bytes).has_value();
  };
  EXPECT_TRUE(accepted(0, 0x64));
  EXPECT_FALSE(accepted(0, 0x04)) << "opcode of a connection";
  EXPECT_FALSE(accepted(2, 0x12)) << "partition";
  EXPECT_FALSE(accepted(7, 2)) << "queue pair";
  EXPECT_FALSE(accepted(12, 0)) << "Q_Key";
  EXPECT_FALSE(accepted(19, 2)) << "sender's queue pair";
  auto flipped = good;
  flipped[100] ^= std::byte{1};
  EXPECT_FALSE(read_management_packet(kToPassive, flipped)) << "ICRC";
  EXPECT_FALSE(read_management_packet(kToPassive, std::span{good}.first(20)));
  EXPECT_FALSE(is_for_management(std::span{good}.first(11)));
}

// Two soft NICs on a simulated network.
class SoftConnectionManagerTest : public ::testing::Test {
 protected:
  SoftConnectionManagerTest() {
    const SimLinkId link = network_.add_link({});
    for (std::size_t i = 0; i < nics_.size(); ++i) {
      nics_[i] = *make_soft_nic({.seed = i + 1}, make_sim_wire(network_, link), nullptr);
    }
  }
  ConnectionManager& active() { return *nics_[0]->connection_manager(); }
  ConnectionManager& passive() { return *nics_[1]->connection_manager(); }

  // Lets both NICs work until `manager` has an event, and answers it.
  CmEvent next_event(ConnectionManager& manager) {
    CmEvent event;
    for (int i = 0; i < 10'000; ++i) {
      now_ns_ += 100'000;
      for (auto& nic : nics_) nic->poll(completions_, now_ns_);
      if (manager.poll_events({&event, 1}) == 1) return event;
    }
    ADD_FAILURE() << "no event";
    return event;
  }
  QueuePairAddress open(std::size_t i, const proto::IpAddress& local,
                        const proto::IpAddress& remote) {
    return *nics_[i]->open_queue_pair({.roce_port = true}, local, remote);
  }

  SimNetwork network_;
  std::array<std::unique_ptr<Nic>, 2> nics_;
  std::array<proto::CompletionEntry, 16> completions_{};
  std::uint64_t now_ns_ = 1;
};

TEST_F(SoftConnectionManagerTest, connects_queue_pairs_that_then_carry_messages) {
  ASSERT_TRUE(passive().listen(kService));
  const QueuePairAddress own = open(0, kActiveIp, kPassiveIp);
  const CmId id = *active().connect({.local = kActiveIp,
                                     .service = kService,
                                     .queue_pair = own,
                                     .path_mtu = 1024,
                                     .private_data = {},
                                     .deadline_ns = UINT64_MAX},
                                    now_ns_);
  const CmEvent request = next_event(passive());
  const QueuePairAddress other = open(1, kPassiveIp, kActiveIp);
  ASSERT_TRUE(nics_[1]->connect_queue_pair(other.qpn, cm_peer(other, request), now_ns_));
  std::uint64_t received = 0;
  proto::ReceiveDescriptor receive{.cookie = 1, .sge_count = 1};
  receive.sge[0] = {.address = reinterpret_cast<std::uint64_t>(&received),
                    .bytes = sizeof(received),
                    .lkey = proto::kAnyMemoryLkey};
  ASSERT_TRUE(nics_[1]->post_receive(other.qpn, receive, now_ns_));
  ASSERT_TRUE(passive().accept(request.id, {.queue_pair = other, .private_data = {}}, now_ns_));
  const CmEvent reply = next_event(active());
  ASSERT_EQ(reply.kind, CmEventKind::kReply);
  ASSERT_TRUE(nics_[0]->connect_queue_pair(own.qpn, cm_peer(own, reply), now_ns_));
  active().establish(id, now_ns_);
  EXPECT_EQ(next_event(passive()).kind, CmEventKind::kEstablished);

  std::uint64_t sent = 0x1234;
  proto::SendDescriptor send{.cookie = 2, .sge_count = 1};
  send.sge[0] = {.address = reinterpret_cast<std::uint64_t>(&sent),
                 .bytes = sizeof(sent),
                 .lkey = proto::kAnyMemoryLkey};
  ASSERT_TRUE(nics_[0]->post_send(own.qpn, send, now_ns_));
  for (int i = 0; i < 100 && received == 0; ++i) {
    now_ns_ += 100'000;
    for (auto& nic : nics_) nic->poll(completions_, now_ns_);
  }
  EXPECT_EQ(received, sent);

  active().disconnect(id, now_ns_);
  EXPECT_EQ(next_event(passive()).kind, CmEventKind::kDisconnected);
}

TEST_F(SoftConnectionManagerTest, a_request_for_no_service_is_refused_over_the_wire) {
  ASSERT_TRUE(passive().listen({.ip = kPassiveIp, .port = 1}));
  ASSERT_TRUE(active().connect({.local = kActiveIp,
                                .service = kService,
                                .queue_pair = open(0, kActiveIp, kPassiveIp),
                                .path_mtu = 1024,
                                .private_data = {},
                                .deadline_ns = UINT64_MAX},
                               now_ns_));
  EXPECT_EQ(next_event(active()).kind, CmEventKind::kRejected);
}

TEST_F(SoftConnectionManagerTest, timers_run_without_a_packet) {
  ASSERT_TRUE(active().connect({.local = kActiveIp,
                                .service = kService,
                                .queue_pair = open(0, kActiveIp, kPassiveIp),
                                .path_mtu = 1024,
                                .private_data = {},
                                .deadline_ns = now_ns_ + kSecondNs / 2},
                               now_ns_));
  EXPECT_LE(nics_[0]->next_deadline_ns(), now_ns_ + kSecondNs / 2);
  EXPECT_EQ(next_event(active()).kind, CmEventKind::kTimedOut);
}

TEST_F(SoftConnectionManagerTest, a_listener_has_a_port) {
  EXPECT_EQ(passive().listen({.ip = kPassiveIp, .port = 0}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace mapwire::nic_fw
