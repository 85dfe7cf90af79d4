#include "tools/connection_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

namespace mapwire::tools {
namespace {

using ::testing::HasSubstr;

proto::IpAddress v4(std::uint8_t last) {
  proto::IpAddress address;
  address.bytes = {10, 9, 0, last};
  return address;
}

VerbsDevice rxe(std::vector<VerbsGid> gids) {
  VerbsDevice device;
  device.name = "rxe0";
  VerbsPort port;
  port.number = 1;
  port.active = true;
  port.path_mtu = 4096;
  device.ports = {port};
  device.gids = std::move(gids);
  return device;
}

VerbsGid gid(std::uint32_t index, const proto::IpAddress& address,
             GidType type = GidType::kRoceV2) {
  return {.port = 1, .index = index, .type = type, .address = address, .interface_name = "near"};
}

const Route kRoute{.local = v4(1), .remote = v4(2), .path_mtu = 4096};

ContextNic soft() {
  NicAttributes attributes;
  attributes.name = "soft";
  attributes.wire = "udp";
  return {.attributes = attributes, .reason = "asked for"};
}

ContextNic verbs() {
  NicAttributes attributes;
  attributes.name = "verbs";
  attributes.wire = "rxe0";
  return {.attributes = attributes, .reason = "an RDMA device is there"};
}

TEST(connection_choice, without_a_device_the_soft_nic_is_the_only_candidate) {
  const ConnectionChoice choice = choose("10.9.0.2", kRoute, soft(), {});
  ASSERT_EQ(choice.candidates.size(), 1U);
  EXPECT_TRUE(choice.candidates[0].chosen);
  EXPECT_EQ(choice.candidates[0].nic, "soft");
  EXPECT_EQ(choice.candidates[0].address, "10.9.0.1");
  EXPECT_EQ(choice.candidates[0].rejection, "");
}

TEST(connection_choice,
     the_address_that_the_route_leaves_from_is_chosen_and_every_other_says_why_not) {
  const auto device = rxe({gid(0, v4(7)), gid(1, v4(1), GidType::kRoceV1), gid(2, v4(1))});
  const ConnectionChoice choice = choose("10.9.0.2", kRoute, verbs(), {device});
  ASSERT_EQ(choice.candidates.size(), 4U);
  EXPECT_EQ(choice.candidates[0].rejection, "is not 10.9.0.1");
  EXPECT_THAT(choice.candidates[1].rejection, HasSubstr("is RoCE v1"));
  EXPECT_TRUE(choice.candidates[2].chosen);
  EXPECT_EQ(choice.candidates[2].gid_index, 2U);
  EXPECT_EQ(choice.candidates[3].nic, "soft");
  EXPECT_THAT(choice.candidates[3].rejection, HasSubstr("an RDMA device is there"));
}

TEST(connection_choice, a_device_is_passed_over_with_the_reason_for_the_soft_nic) {
  const ConnectionChoice choice = choose("10.9.0.2", kRoute, soft(), {rxe({gid(2, v4(1))})});
  ASSERT_EQ(choice.candidates.size(), 2U);
  EXPECT_EQ(choice.candidates[0].rejection, "is usable; not chosen: asked for");
  EXPECT_TRUE(choice.candidates[1].chosen);
}

TEST(connection_choice, of_two_fitting_addresses_the_first_is_chosen) {
  const auto device = rxe({gid(2, v4(1)), gid(3, v4(1))});
  const ConnectionChoice choice = choose("10.9.0.2", kRoute, verbs(), {device});
  EXPECT_TRUE(choice.candidates[0].chosen);
  EXPECT_THAT(choice.candidates[1].rejection, HasSubstr("comes first"));
}

TEST(connection_choice, where_auto_has_no_nic_none_is_chosen_and_each_says_why) {
  const ContextNic none{.attributes = {}, .reason = "no memory"};
  const ConnectionChoice choice = choose("10.9.0.2", kRoute, none, {rxe({gid(2, v4(1))})});
  for (const NicCandidate& candidate : choice.candidates) {
    EXPECT_FALSE(candidate.chosen);
    EXPECT_EQ(candidate.rejection, "is usable; not chosen: no memory");
  }
}

TEST(connection_choice, a_device_that_may_not_be_opened_says_so) {
  VerbsDevice device;
  device.name = "rxe0";
  device.open_errno = EACCES;
  const ConnectionChoice choice = choose("10.9.0.2", kRoute, soft(), {device});
  EXPECT_EQ(choice.candidates[0].port, "");
  EXPECT_THAT(choice.candidates[0].rejection, HasSubstr("Permission denied"));
}

}  // namespace
}  // namespace mapwire::tools
