#include "tools/info_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "tools/interfaces.h"
#include "tools/machine.h"
#include "tools/path_mtu.h"

namespace mapwire::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

VerbsDevice rxe() {
  VerbsDevice device;
  device.name = "rxe0";
  device.queue_pairs_max = 1000;
  VerbsPort port;
  port.number = 1;
  port.active = true;
  port.state = "active";
  port.ethernet = true;
  port.path_mtu = 1024;
  port.path_mtu_max = 4096;
  port.message_bytes_max = 1U << 30U;
  device.ports = {port};
  VerbsGid gid;
  gid.port = 1;
  gid.index = 5;
  gid.address.bytes = {10, 9, 0, 1};
  gid.interface_name = "near";
  device.gids = {gid};
  return device;
}

InfoReport report_of(NicReport nic) {
  return {.version = "1.2.3",
          .protocol = 7,
          .libibverbs = "1.14",
          .kernel = "6.1",
          .memlock_bytes = 65536,
          .nics = {std::move(nic)}};
}

TEST(info_report, a_device_is_told_in_the_words_of_ibv_devinfo) {
  const std::string text = info_text(report_of(report_device(rxe(), 272)));
  EXPECT_THAT(text, HasSubstr("nic:                        verbs/rxe0\n"));
  EXPECT_THAT(text, HasSubstr("    max_queue_pairs:        1000\n"));
  EXPECT_THAT(text, HasSubstr("    max_inline_bytes:       272\n"));
  EXPECT_THAT(text, HasSubstr("        state:              active\n"));
  EXPECT_THAT(text, HasSubstr("        active_mtu:         1024\n"));
  EXPECT_THAT(text, HasSubstr("        max_mtu:            4096\n"));
  EXPECT_THAT(text, HasSubstr("        GID[5]:             10.9.0.1, RoCE v2, near\n"));
  EXPECT_THAT(text, HasSubstr("memlock:                    65536 bytes\n"));
  EXPECT_EQ(text.find('\n', text.size() - 1), std::string::npos);
}

TEST(info_report, a_limit_that_is_not_known_is_null) {
  const auto document = nlohmann::json::parse(info_json(report_of(report_device(rxe(), 0))));
  const auto& limits = document["nics"][0]["limits"];
  EXPECT_EQ(limits["queue_pairs"], 1000);
  EXPECT_EQ(limits["message_bytes"], 1U << 30U);
  EXPECT_TRUE(limits["regions"].is_null());
  EXPECT_EQ(limits["inline_bytes"], 0);
  EXPECT_EQ(document["memlock_bytes"], 65536);
  EXPECT_EQ(document["no_tracking"], "");
  EXPECT_TRUE(document["choice"].is_null());
}

TEST(info_report, the_largest_number_is_no_limit) {
  VerbsDevice device = rxe();
  device.region_bytes_max = UINT64_MAX;
  EXPECT_EQ(report_device(device, 0).limits.region_bytes, 0U);
}

TEST(info_report, a_device_that_may_not_be_opened_says_only_that) {
  VerbsDevice device;
  device.name = "rxe0";
  device.open_errno = EACCES;
  const InfoReport report = report_of(report_device(device, 0));
  EXPECT_THAT(info_text(report), HasSubstr("cannot be opened: Permission denied"));
  EXPECT_THAT(info_text(report), Not(HasSubstr("max_queue_pairs")));
  EXPECT_TRUE(nlohmann::json::parse(info_json(report))["nics"][0]["limits"].is_null());
}

TEST(info_report, a_machine_without_a_device_says_so_and_how_to_ask_for_a_choice) {
  InfoReport report = report_of(report_soft_nic({}, {}));
  report.no_devices = "none here";
  report.memlock_bytes = kUnlimited;
  EXPECT_THAT(info_text(report), HasSubstr("RDMA devices:               none here\n"));
  EXPECT_THAT(info_text(report), HasSubstr("memlock:                    unlimited\n"));
  EXPECT_THAT(info_text(report), HasSubstr("mapwire info ADDRESS"));
  EXPECT_TRUE(nlohmann::json::parse(info_json(report))["memlock_bytes"].is_null());
}

TEST(info_report, an_interface_of_the_soft_nic_has_the_packets_that_its_mtu_allows) {
  NicAttributes attributes;
  attributes.path_mtu_max = 4096;
  const std::vector<Interface> interfaces{
      {.name = "eth7", .up = false, .mtu = 1500, .addresses = {"10.9.0.1", "fd09::1"}}};
  const NicReport report = report_soft_nic(attributes, interfaces);
  ASSERT_EQ(report.ports.size(), 1U);
  EXPECT_EQ(report.ports[0].state, "down");
  EXPECT_EQ(report.ports[0].mtu_active, 1024U);
  ASSERT_EQ(report.ports[0].addresses.size(), 2U);
  EXPECT_EQ(report.ports[0].addresses[1].address, "fd09::1");
}

TEST(info_report, the_choice_marks_the_nic_and_gives_the_reason_of_each_other) {
  InfoReport report = report_of(report_device(rxe(), 0));
  Route route;
  route.path_mtu = 1024;
  NicCandidate rejected;
  rejected.nic = "verbs";
  rejected.name = "rxe0";
  rejected.port = "1";
  rejected.gid_index = 5;
  rejected.address = "10.9.0.1";
  rejected.rejection = "is not 10.8.0.1";
  NicCandidate chosen;
  chosen.nic = "soft";
  chosen.name = "udp";
  chosen.chosen = true;
  report.choice = ConnectionChoice{
      .address = "there", .route = route, .reason = "because", .candidates = {rejected, chosen}};
  const std::string text = info_text(report);
  EXPECT_THAT(text, HasSubstr("connection to:              there\n"));
  EXPECT_THAT(text, HasSubstr("       verbs/rxe0 port 1 GID[5] 10.9.0.1: is not 10.8.0.1\n"));
  EXPECT_THAT(text, HasSubstr("    -> soft/udp: chosen"));
}

TEST(path_mtu, is_the_largest_power_of_two_whose_packets_fit) {
  EXPECT_EQ(path_mtu_of(9000), 4096U);
  EXPECT_EQ(path_mtu_of(4096 + 96), 4096U);
  EXPECT_EQ(path_mtu_of(4096 + 95), 2048U);
  EXPECT_EQ(path_mtu_of(1500), 1024U);
  EXPECT_EQ(path_mtu_of(256 + 96), 256U);
  EXPECT_EQ(path_mtu_of(256 + 95), 0U);
}

}  // namespace
}  // namespace mapwire::tools
