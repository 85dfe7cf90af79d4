// What the communication manager refuses, with which reason, and what it drops.
#include <cstddef>
#include <random>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/nic_fw/cm_engine.h"
#include "mapwire/proto/cm_mad.h"
#include "tests/nic_fw/cm_pair.h"
#include "tests/nic_fw/cm_test_support.h"

namespace mapwire::nic_fw {
namespace {

using proto::CmRejectReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(CmTest, a_port_without_listener_is_refused_and_not_remembered) {
  passive_.stop_listening(kService);
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  exchange(active_, passive_);
  const CmEvent event = only_event(active_);
  EXPECT_EQ(event.kind, CmEventKind::kRejected);
  EXPECT_EQ(event.reject_reason, std::to_underlying(CmRejectReason::kInvalidServiceId));
  EXPECT_EQ(passive_.connections(), 0U);
}

TEST_F(CmTest, an_application_may_refuse_and_a_copy_of_the_request_hears_the_same) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  const SentMad request = only_mad(active_);
  deliver(passive_, request);
  passive_.reject(only_event(passive_).id, CmRefusal::kByApplication, 0);
  const SentMad first = only_mad(passive_);
  deliver(passive_, request);
  const SentMad second = only_mad(passive_);
  EXPECT_EQ(reason_of(first), CmRejectReason::kConsumer);
  EXPECT_EQ(second.mad, first.mad);
  EXPECT_THAT(events_of(passive_), IsEmpty());
  deliver(active_, first);
  deliver(active_, second);
  EXPECT_EQ(only_event(active_).kind, CmEventKind::kRejected);
}

TEST_F(CmTest, a_reply_for_nobody_is_refused_so_that_the_peer_stops) {
  const CmId id = *active_.connect(some_connect(kActiveQpn), 0);
  exchange(active_, passive_);
  ASSERT_TRUE(accept(only_event(passive_).id));
  active_.disconnect(id, 0);  // before the reply comes
  pass(0, kSecondNs);
  EXPECT_EQ(only_event(passive_).kind, CmEventKind::kRejected);
  EXPECT_THAT(events_of(active_), IsEmpty());
}

TEST_F(CmTest, a_disconnect_request_for_nobody_is_answered) {
  const Established ids = establish();
  active_.disconnect(ids.active, 0);
  const SentMad request = only_mad(active_);
  CmEngine newcomer{{.random = std::mt19937_64{3}}, {}};
  deliver(newcomer, request);
  EXPECT_TRUE(std::holds_alternative<proto::CmDrep>(only_mad(newcomer).mad.message));
}

TEST_F(CmTest, a_disconnect_request_must_name_the_connection) {
  establish();
  const proto::CmMad forged{
      .transaction_id = 1,
      .message = proto::CmDreq{.local_comm_id = 77, .remote_comm_id = 88, .remote_qpn = 2}};
  for (CmEngine* engine : {&active_, &passive_}) {
    engine->on_mad({.local = kPassiveIp, .remote = kActiveIp}, proto::write_cm_mad(forged), 0);
    EXPECT_THAT(events_of(*engine), IsEmpty());
  }
}

TEST_F(CmTest, a_queue_pair_that_is_used_anew_ends_the_old_connection) {
  const Established ids = establish();
  CmEngine reborn{{.random = std::mt19937_64{1}},
                  {}};  // the same GUID: the same adapter after a restart
  CmEngine other{{.random = std::mt19937_64{1}}, {}};
  mads_of(other);
  ASSERT_TRUE(reborn.connect(some_connect(0x333333), 0));  // another comm ID and queue pair: fine
  SentMad request = only_mad(reborn);
  auto& req = std::get<proto::CmReq>(request.mad.message);
  req.local_comm_id += 1;
  req.qpn = kActiveQpn;  // the same queue pair
  request.mad.transaction_id += 1;
  deliver(passive_, request);
  const CmEvent end = only_event(passive_);
  EXPECT_EQ(end.kind, CmEventKind::kDisconnected);
  EXPECT_EQ(end.id, ids.passive);
  const auto mads = mads_of(passive_);
  ASSERT_THAT(mads, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<proto::CmDreq>(mads[0].mad.message));
  EXPECT_EQ(reason_of(mads[1]), CmRejectReason::kStaleConnection);
}

TEST_F(CmTest, requests_it_cannot_serve_are_refused_by_reason) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  const SentMad request = only_mad(active_);
  const auto reason = [&](auto change) {
    SentMad changed = request;
    change(std::get<proto::CmReq>(changed.mad.message));
    deliver(passive_, changed);
    return reason_of(only_mad(passive_));
  };
  EXPECT_EQ(reason([](auto& req) { req.transport = proto::CmTransport::kUc; }),
            CmRejectReason::kInvalidTransport);
  EXPECT_EQ(reason([](auto& req) { req.service_id = 7174; }), CmRejectReason::kInvalidServiceId);
  EXPECT_EQ(reason([](auto& req) { req.path_mtu = 6; }), CmRejectReason::kInvalidPathMtu);
  EXPECT_EQ(reason([](auto& req) { req.private_data = {}; }), CmRejectReason::kUnsupported);
  EXPECT_EQ(reason([](auto& req) { req.qpn = 1; }), CmRejectReason::kUnsupported);
  EXPECT_THAT(events_of(passive_), IsEmpty());
  EXPECT_EQ(passive_.connections(), 0U);
}

TEST_F(CmTest, wrong_arguments_are_refused_by_name) {
  const std::vector<std::byte> long_data(57);
  auto wanted = some_connect(kActiveQpn);
  wanted.private_data = long_data;
  EXPECT_THAT(active_.connect(wanted, 0).error().message, HasSubstr("at most 56"));
  wanted = some_connect(kActiveQpn);
  wanted.path_mtu = 1500;
  EXPECT_THAT(active_.connect(wanted, 0).error().message, HasSubstr("path MTU 1500"));
  EXPECT_EQ(passive_.listen(kService).error().code, Code::kAddressInUse);
  EXPECT_EQ(active_.connections(), 0U);
}

TEST_F(CmTest, garbage_is_dropped) {
  std::mt19937 random{1};
  for (std::size_t i = 0; i < 20'000; ++i) {
    auto bytes = proto::write_cm_mad({.transaction_id = 1, .message = proto::CmRtu{}});
    bytes[17] = static_cast<std::byte>(0x10 + random() % 7);
    for (std::byte& byte : std::span{bytes}.subspan(24)) {
      if (random() % 4 == 0) byte = static_cast<std::byte>(random());
    }
    passive_.on_mad({.local = kPassiveIp, .remote = kActiveIp}, bytes, 0);
    passive_.on_mad({.local = kPassiveIp, .remote = kActiveIp}, std::span{bytes}.first(i % 256), 0);
  }
  EXPECT_THAT(events_of(passive_), IsEmpty());
  EXPECT_EQ(passive_.connections(), 0U);
}

}  // namespace
}  // namespace mapwire::nic_fw
