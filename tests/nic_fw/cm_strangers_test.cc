// What a stranger who can forge management datagrams makes a communication manager do.
#include <cstddef>
#include <cstdint>
#include <random>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/cm_engine.h"
#include "tests/nic_fw/cm_pair.h"

namespace mapwire::nic_fw {
namespace {

constexpr Qpn kQpn = 0x1000;

template <class Message>
Message message_in(const std::vector<SentMad>& mads) {
  for (const SentMad& sent : mads) {
    if (const auto* message = std::get_if<Message>(&sent.mad.message)) return *message;
  }
  ADD_FAILURE() << "no such message among " << mads.size();
  return {};
}

class CmStrangersTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(passive_.listen(kService)); }

  // Requests from `address`; what the listener answers at once.
  std::vector<SentMad> request(const proto::IpAddress& address, Qpn qpn) {
    CmConnect wanted = some_connect(qpn);
    wanted.local = address;
    EXPECT_TRUE(stranger_.connect(wanted, 0));
    for (const SentMad& sent : mads_of(stranger_)) deliver(passive_, sent);
    return mads_of(passive_);
  }
  proto::CmRep accepted(Qpn qpn) {
    request(kActiveIp, qpn);
    EXPECT_TRUE(passive_.accept(
        events_of(passive_).at(0).id,
        {.queue_pair = some_queue_pair(kPassiveIp, kQpn + 1), .private_data = {}}, 0));
    return message_in<proto::CmRep>(mads_of(passive_));
  }
  void forge(const proto::CmMessage& message) {
    deliver(passive_, {.path = {.local = kActiveIp, .remote = kPassiveIp},
                       .mad = {.transaction_id = 0, .message = message}});
  }

  CmEngine passive_{{.requests_max = 8, .requests_of_peer_max = 2, .random = std::mt19937_64{1}},
                    {}};
  CmEngine stranger_{{.random = std::mt19937_64{2}}, {}};
};

TEST_F(CmStrangersTest, a_request_to_wait_for_hours_is_heard_for_ten_seconds) {
  const proto::CmRep rep = accepted(kQpn);
  forge(proto::CmMra{.local_comm_id = rep.remote_comm_id,
                     .remote_comm_id = rep.local_comm_id,
                     .message = proto::CmAnswered::kRep,
                     .service_timeout = 31});
  passive_.on_time(9 * kSecondNs);
  EXPECT_TRUE(events_of(passive_).empty());
  passive_.on_time(11 * kSecondNs);
  EXPECT_EQ(events_of(passive_).at(0).kind, CmEventKind::kTimedOut);
}

TEST_F(CmStrangersTest, a_rejection_must_know_both_comm_ids) {
  const proto::CmRep rep = accepted(kQpn);
  forge(proto::CmRtu{.local_comm_id = rep.remote_comm_id, .remote_comm_id = rep.local_comm_id});
  ASSERT_EQ(events_of(passive_).at(0).kind, CmEventKind::kEstablished);
  forge(proto::CmRej{.local_comm_id = rep.remote_comm_id + 1, .remote_comm_id = rep.local_comm_id});
  EXPECT_TRUE(events_of(passive_).empty());
  forge(proto::CmRej{.local_comm_id = rep.remote_comm_id, .remote_comm_id = rep.local_comm_id});
  EXPECT_EQ(events_of(passive_).at(0).kind, CmEventKind::kDisconnected);
}

TEST_F(CmStrangersTest, one_address_does_not_take_the_places_of_the_others_nor_all_take_more) {
  const auto refusals = [&](unsigned last_byte) {
    std::size_t count = 0;
    for (Qpn qpn = kQpn; qpn < kQpn + 4; ++qpn) {
      const proto::IpAddress address{.bytes = {127, 0, 1, static_cast<std::uint8_t>(last_byte)}};
      const auto answers = request(address, qpn + (last_byte << 8));
      if (answers.empty()) continue;  // waits for the application
      EXPECT_EQ(message_in<proto::CmRej>(answers).reason, proto::CmRejectReason::kNoResources);
      ++count;
    }
    return count;
  };
  for (unsigned address = 0; address < 4; ++address) EXPECT_EQ(refusals(address), 2U);
  EXPECT_EQ(refusals(4), 4U);
}

}  // namespace
}  // namespace mapwire::nic_fw
