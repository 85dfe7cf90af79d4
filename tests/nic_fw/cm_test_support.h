// What the tests of the communication manager share: the two sides of a connection, under explicit
// time, and the steps that many of them begin with.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <expected>
#include <random>
#include <variant>

#include "mapwire/nic_fw/cm_engine.h"
#include "mapwire/proto/cm_mad.h"
#include "tests/nic_fw/cm_pair.h"

namespace mapwire::nic_fw {

inline constexpr Qpn kActiveQpn = 0x111111;
inline constexpr Qpn kPassiveQpn = 0x222222;

// The passive side listens at kService.
class CmTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(passive_.listen(kService)); }

  // The only event that waits at `engine`; a kDisconnected of id 0 if there is another number.
  static CmEvent only_event(CmEngine& engine) {
    auto events = events_of(engine);
    EXPECT_THAT(events, ::testing::SizeIs(1));
    return events.size() == 1 ? events.front() : CmEvent{.kind = CmEventKind::kDisconnected};
  }
  static SentMad only_mad(CmEngine& engine) {
    auto mads = mads_of(engine);
    EXPECT_THAT(mads, ::testing::SizeIs(1));
    return mads.empty() ? SentMad{} : mads.front();
  }
  static proto::CmRejectReason reason_of(const SentMad& sent) {
    const auto* rej = std::get_if<proto::CmRej>(&sent.mad.message);
    return rej == nullptr ? proto::CmRejectReason{} : rej->reason;
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

}  // namespace mapwire::nic_fw
