#include "mapwire/nic_fw/cm_engine.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/proto/cma_header.h"
#include "tests/nic_fw/cm_pair.h"

namespace mapwire::nic_fw {
namespace {

using proto::CmRejectReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Qpn kActiveQpn = 0x111111;
constexpr Qpn kPassiveQpn = 0x222222;

class CmTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(passive_.listen(kService)); }

  // The only event that waits at `engine`; a kDisconnected of id 0 if there is another number.
  static CmEvent only_event(CmEngine& engine) {
    auto events = events_of(engine);
    EXPECT_THAT(events, SizeIs(1));
    return events.size() == 1 ? events.front() : CmEvent{.kind = CmEventKind::kDisconnected};
  }
  static SentMad only_mad(CmEngine& engine) {
    auto mads = mads_of(engine);
    EXPECT_THAT(mads, SizeIs(1));
    return mads.empty() ? SentMad{} : mads.front();
  }
  static CmRejectReason reason_of(const SentMad& sent) {
    const auto* rej = std::get_if<proto::CmRej>(&sent.mad.message);
    return rej == nullptr ? CmRejectReason{} : rej->reason;
  }
  std::expected<void, Error> accept(CmId id, std::uint64_t now_ns = 0) {
    return passive_.accept(
        id, {.queue_pair = some_queue_pair(kPassiveIp, kPassiveQpn), .private_data = {}}, now_ns);
  }

  struct Established {
    CmId active = 0;
    CmId passive = 0;
  };
  Established establish() {
    Established ids;
    ids.active = *active_.connect(some_connect(kActiveQpn), 0);
    exchange(active_, passive_);
    ids.passive = only_event(passive_).id;
    EXPECT_TRUE(accept(ids.passive));
    exchange(active_, passive_);
    EXPECT_EQ(only_event(active_).kind, CmEventKind::kReply);
    active_.establish(ids.active, 0);
    exchange(active_, passive_);
    EXPECT_EQ(only_event(passive_).kind, CmEventKind::kEstablished);
    return ids;
  }
  // Lets the time pass in steps with all that is sent carried over.
  void pass(std::uint64_t from_ns, std::uint64_t to_ns) {
    for (std::uint64_t now = from_ns; now <= to_ns; now += 100'000'000) {
      active_.on_time(now);
      passive_.on_time(now);
      exchange(active_, passive_, now);
    }
  }

  CmEngine active_{{.random = std::mt19937_64{1}}, {}};
  CmEngine passive_{{.random = std::mt19937_64{2}}, {}};
};

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

TEST_F(CmTest, a_repeated_request_gets_the_same_reply_and_no_second_event) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  const SentMad request = only_mad(active_);
  deliver(passive_, request);
  ASSERT_TRUE(accept(only_event(passive_).id));
  const SentMad reply = only_mad(passive_);
  deliver(passive_, request);
  EXPECT_EQ(only_mad(passive_).mad, reply.mad);
  EXPECT_THAT(events_of(passive_), IsEmpty());
  EXPECT_EQ(passive_.connections(), 1U);
}

TEST_F(CmTest, a_request_that_waits_for_the_application_is_acknowledged_when_it_is_repeated) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  const SentMad request = only_mad(active_);
  deliver(passive_, request);
  EXPECT_THAT(mads_of(passive_), IsEmpty()) << "not at once: the answer may be near";
  deliver(passive_, request);
  const SentMad receipt = only_mad(passive_);
  EXPECT_TRUE(std::holds_alternative<proto::CmMra>(receipt.mad.message));
  deliver(active_, receipt);
  active_.on_time(5 * kSecondNs);
  EXPECT_THAT(mads_of(active_), IsEmpty()) << "it waits as long as it was told";
  active_.on_time(20 * kSecondNs);
  EXPECT_THAT(mads_of(active_), SizeIs(1));
}

TEST_F(CmTest, an_unanswered_request_is_repeated_and_then_given_up) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  std::size_t requests = 0;
  std::uint64_t now = 0;
  while (active_.next_deadline_ns() < 60 * kSecondNs && events_of(active_).empty()) {
    for (const SentMad& sent : mads_of(active_)) {
      requests += std::holds_alternative<proto::CmReq>(sent.mad.message) ? 1 : 0;
    }
    now = active_.next_deadline_ns();
    active_.on_time(now);
  }
  EXPECT_EQ(requests, 16U);
  EXPECT_GT(now, 4 * kSecondNs);
  EXPECT_LT(now, 5 * kSecondNs);
}

TEST_F(CmTest, a_deadline_ends_an_unanswered_request) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn, kSecondNs), 0));
  while (active_.next_deadline_ns() < kSecondNs) active_.on_time(active_.next_deadline_ns());
  EXPECT_THAT(events_of(active_), IsEmpty());
  active_.on_time(kSecondNs);
  EXPECT_EQ(only_event(active_).kind, CmEventKind::kTimedOut);
}

TEST_F(CmTest, who_gives_up_tells_the_peer_that_waits_for_its_application) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn, kSecondNs), 0));
  exchange(active_, passive_);
  const CmEvent request = only_event(passive_);
  active_.on_time(kSecondNs);
  exchange(active_, passive_, kSecondNs);
  const CmEvent end = only_event(passive_);
  EXPECT_EQ(end.kind, CmEventKind::kRejected);
  EXPECT_EQ(end.id, request.id);
  EXPECT_FALSE(accept(request.id)) << "it has ended";
}

TEST_F(CmTest, a_lost_rtu_is_sent_again_for_the_repeated_reply) {
  const CmId id = *active_.connect(some_connect(kActiveQpn), 0);
  exchange(active_, passive_);
  ASSERT_TRUE(accept(only_event(passive_).id));
  exchange(active_, passive_);
  active_.establish(id, 0);
  mads_of(active_);  // the RTU is lost
  passive_.on_time(passive_.next_deadline_ns());
  exchange(active_, passive_);
  EXPECT_EQ(only_event(passive_).kind, CmEventKind::kEstablished);
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

TEST_F(CmTest, a_request_that_nobody_answers_is_given_up) {
  ASSERT_TRUE(active_.connect(some_connect(kActiveQpn), 0));
  exchange(active_, passive_);
  const CmEvent request = only_event(passive_);
  passive_.on_time(11 * kSecondNs);
  const CmEvent end = only_event(passive_);
  EXPECT_EQ(end.kind, CmEventKind::kTimedOut);
  EXPECT_EQ(end.id, request.id);
  EXPECT_EQ(reason_of(only_mad(passive_)), CmRejectReason::kTimeout);
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
