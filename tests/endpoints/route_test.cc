#include "mapwire/endpoints/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/proto/address.h"

namespace mapwire {
namespace {

using ::testing::HasSubstr;

TEST(route, the_loopback_is_reached_from_itself_with_full_packets) {
  const auto route = find_route("127.0.0.1:7");
  ASSERT_TRUE(route) << route.error().message;
  EXPECT_EQ(proto::to_string(route->local), "127.0.0.1");
  EXPECT_EQ(proto::to_string(route->remote), "127.0.0.1");
  EXPECT_EQ(route->path_mtu, 4096U);
}

TEST(route, an_empty_host_is_the_loopback) {
  const auto route = find_route("");
  ASSERT_TRUE(route) << route.error().message;
  EXPECT_EQ(proto::to_string(route->remote), "127.0.0.1");
}

TEST(route, a_host_that_is_none) {
  const auto route = find_route("no-such-host.invalid");
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().code, Code::kUnknownHost);
  EXPECT_THAT(route.error().message, HasSubstr("no-such-host.invalid"));
}

TEST(route, an_address_that_cannot_be_parsed) {
  const auto route = find_route("[::1");
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().code, Code::kBadOption);
}

TEST(route, an_address_that_nothing_is_routed_to) {
  const auto route = find_route("255.255.255.255");  // a broadcast, which sockets refuse by default
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().code, Code::kSystemCall);
  EXPECT_THAT(route.error().message, HasSubstr("route to 255.255.255.255"));
}

}  // namespace
}  // namespace mapwire
