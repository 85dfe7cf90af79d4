// How connections are set up and end, when nothing is lost or wrong.
#include "mapwire/nic_fw/cm_engine.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/nic_fw/cm_pair.h"
#include "tests/nic_fw/cm_test_support.h"

namespace mapwire::nic_fw {
namespace {

using ::testing::IsEmpty;

TEST_F(CmTest, a_request_tells_all_that_the_other_side_needs) {
  const std::vector<std::byte> greeting(3, std::byte{0x5a});
  auto wanted = some_connect(kActiveQpn);
  wanted.private_data = greeting;
  ASSERT_TRUE(active_.connect(wanted, 0));
  exchange(active_, passive_);
  const CmEvent event = only_event(passive_);
  EXPECT_EQ(event.kind, CmEventKind::kRequest);
  EXPECT_EQ(event.service, kService);
  EXPECT_EQ(event.peer.udp, (proto::UdpAddress{.ip = kActiveIp, .port = 4791}));
  EXPECT_EQ(event.peer.qpn, kActiveQpn);
  EXPECT_EQ(event.path_mtu, 1024U);
  EXPECT_EQ(event.peer.read_atomic_max, 32U);
  EXPECT_TRUE(std::ranges::equal(std::span{event.private_data}.first(3), greeting));
  EXPECT_EQ(event.private_data[3], std::byte{});
}

TEST_F(CmTest, each_side_begins_with_the_psn_that_the_other_one_said) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  exchange(active_, passive_);
  const CmEvent request = only_event(passive_);
  ASSERT_TRUE(accept(request.id));
  exchange(active_, passive_);
  const CmEvent reply = only_event(active_);
  const auto own = some_queue_pair(kActiveIp, kActiveQpn);
  const auto other = some_queue_pair(kPassiveIp, kPassiveQpn);
  EXPECT_EQ(cm_peer(own, reply).send_psn, cm_peer(other, request).address.first_psn);
  EXPECT_EQ(cm_peer(other, request).send_psn, cm_peer(own, reply).address.first_psn);
  EXPECT_EQ(cm_peer(own, reply).address.qpn, kPassiveQpn);
  EXPECT_TRUE(cm_peer(own, reply).foreign);
}

TEST_F(CmTest, a_connection_stands_when_the_rtu_has_come) {
  establish();
  EXPECT_EQ(active_.connections(), 1U);
  EXPECT_EQ(active_.next_deadline_ns(), UINT64_MAX) << "nothing is repeated any more";
  EXPECT_EQ(passive_.next_deadline_ns(), UINT64_MAX);
}

TEST_F(CmTest, a_disconnect_is_told_to_the_peer_alone_and_forgotten_by_both) {
  const Established ids = establish();
  active_.disconnect(ids.active, 0);
  EXPECT_TRUE(active_.disconnecting());
  exchange(active_, passive_);
  EXPECT_FALSE(active_.disconnecting());
  EXPECT_EQ(only_event(passive_).kind, CmEventKind::kDisconnected);
  EXPECT_THAT(events_of(active_), IsEmpty());
  pass(0, 10 * kSecondNs);
  EXPECT_EQ(active_.connections() + passive_.connections(), 0U);
}

TEST_F(CmTest, both_may_disconnect_at_once) {
  const Established ids = establish();
  active_.disconnect(ids.active, 0);
  passive_.disconnect(ids.passive, 0);
  pass(0, 10 * kSecondNs);
  EXPECT_THAT(events_of(active_), IsEmpty());
  EXPECT_THAT(events_of(passive_), IsEmpty());
  EXPECT_EQ(active_.connections() + passive_.connections(), 0U);
}

TEST_F(CmTest, what_has_ended_makes_room_for_what_comes) {
  CmEngine small{{.connections_max = 2, .random = std::mt19937_64{5}}, {}};
  for (Qpn qpn = 2; qpn < 20; ++qpn) {
    const auto id = small.connect(some_connect(qpn), 0);
    ASSERT_TRUE(id) << qpn;
    small.disconnect(*id, 0);
  }
  EXPECT_EQ(small.connections(), 2U);
  ASSERT_TRUE(small.connect(some_connect(30), 0));
  ASSERT_TRUE(small.connect(some_connect(31), 0));
  const auto refused = small.connect(some_connect(32), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kLimitReached);
}

}  // namespace
}  // namespace mapwire::nic_fw
