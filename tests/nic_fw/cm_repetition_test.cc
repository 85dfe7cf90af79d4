// What the communication manager repeats, for how long, and how it answers what is repeated to it.
#include <cstddef>
#include <cstdint>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/nic_fw/cm_engine.h"
#include "mapwire/proto/cm_mad.h"
#include "tests/nic_fw/cm_pair.h"
#include "tests/nic_fw/cm_test_support.h"

namespace mapwire::nic_fw {
namespace {

using proto::CmRejectReason;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

}  // namespace
}  // namespace mapwire::nic_fw
