// Which wire two soft NICs of this process agree on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

struct Outcome {
  std::string wire;  // empty: refused
  Error error;
};

Outcome agree(WireChoice server, WireChoice client) {
  Context serving = value_of(Context::create({.nic = NicChoice::kSoft, .wire = server}));
  Context calling = value_of(Context::create({.nic = NicChoice::kSoft, .wire = client}));
  const Listener listener = value_of(serving.listen({.address = "127.0.0.1:0"}));
  const auto endpoint = calling.connect(testing::loopback(listener));
  if (!endpoint) return {.wire = {}, .error = endpoint.error()};
  return {.wire = endpoint->info().wire, .error = {}};
}

TEST(WireChoiceTest, auto_is_shared_memory_where_both_can) {
  EXPECT_EQ(agree(WireChoice::kAuto, WireChoice::kAuto).wire, "shm");
  EXPECT_EQ(agree(WireChoice::kShm, WireChoice::kAuto).wire, "shm");
  EXPECT_EQ(agree(WireChoice::kAuto, WireChoice::kShm).wire, "shm");
}

TEST(WireChoiceTest, udp_on_one_side_is_udp_on_both) {
  EXPECT_EQ(agree(WireChoice::kUdp, WireChoice::kAuto).wire, "udp");
  EXPECT_EQ(agree(WireChoice::kAuto, WireChoice::kUdp).wire, "udp");
}

TEST(WireChoiceTest, shm_takes_no_other) {
  for (const Outcome& outcome :
       {agree(WireChoice::kUdp, WireChoice::kShm), agree(WireChoice::kShm, WireChoice::kUdp)}) {
    EXPECT_EQ(outcome.wire, "");
    EXPECT_EQ(outcome.error.code, Code::kNoUsableNic);
    EXPECT_THAT(outcome.error.message, HasSubstr("MAPWIRE_WIRE"));
  }
}

TEST(WireChoiceTest, faults_are_of_packets) {
  const auto context = Context::create({.wire = WireChoice::kShm, .faults = "loss=0.1"});
  ASSERT_FALSE(context.has_value());
  EXPECT_EQ(context.error().code, Code::kBadOption);
}

}  // namespace
}  // namespace mapwire
