#include "mapwire/nic_fw/udp_run.h"

#include <cstddef>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/headers.h"
#include "tests/nic_fw/udp_test_support.h"

namespace mapwire::nic_fw {
namespace {

const std::vector<std::byte> kBytes(70'000);

proto::Flow flow(const char* host, std::uint16_t port = 5000) {
  return {.source = {.ip = ip(host), .port = 4000}, .destination = {.ip = ip(host), .port = port}};
}

std::vector<WirePacket> packets(const proto::Flow& flow, std::initializer_list<std::size_t> bytes) {
  std::vector<WirePacket> result;
  for (const std::size_t count : bytes) result.push_back({flow, std::span{kBytes}.first(count)});
  return result;
}

std::size_t run(std::initializer_list<std::size_t> bytes) {
  return run_packets(packets(flow("127.0.0.1"), bytes));
}

TEST(UdpRun, is_of_one_length_but_for_a_shorter_last_packet) {
  EXPECT_EQ(run({100}), 1U);
  EXPECT_EQ(run({100, 100, 100}), 3U);
  EXPECT_EQ(run({100, 100, 104}), 2U);
  EXPECT_EQ(run({100, 100, 96}), 3U);
  EXPECT_EQ(run({100, 96, 96}), 2U);
  EXPECT_EQ(run({96, 100, 100}), 1U);
}

TEST(UdpRun, is_of_one_flow) {
  auto mixed = packets(flow("127.0.0.1"), {100, 100, 100});
  mixed[2].flow.destination.port = 5001;
  EXPECT_EQ(run_packets(mixed), 2U);
  mixed[1].flow.source.port = 4001;
  EXPECT_EQ(run_packets(mixed), 1U);
}

TEST(UdpRun, is_not_longer_than_kernels_take) {
  const std::vector<WirePacket> small(100, packets(flow("::1"), {1040})[0]);
  EXPECT_EQ(run_packets(small), 62U);  // 63 would be 65,520 bytes
  const std::vector<WirePacket> smaller(100, packets(flow("::1"), {1000})[0]);
  EXPECT_EQ(run_packets(smaller), 64U);
  const std::vector<WirePacket> full(100, packets(flow("::1"), {4132})[0]);
  EXPECT_EQ(run_packets(full), 15U);
}

TEST(UdpRun, has_no_packets_whose_icrc_has_no_place) {
  EXPECT_EQ(run({12, 12}), 1U);
  EXPECT_EQ(run({17, 17}), 1U);
  EXPECT_EQ(run({100, 98}), 1U);
  EXPECT_EQ(run({100, 12}), 1U);
  EXPECT_EQ(run({4136, 4136}), 1U);
  EXPECT_EQ(run({70'000, 70'000}), 1U);
}

// A device there sees the identification, and may drop what is not numbered as it expects.
TEST(UdpRun, to_the_roce_port_is_of_ipv6_alone) {
  EXPECT_EQ(run_packets(packets(flow("127.0.0.1", proto::kRocePort), {100, 100})), 1U);
  EXPECT_EQ(run_packets(packets(flow("::1", proto::kRocePort), {100, 100})), 2U);
}

}  // namespace
}  // namespace mapwire::nic_fw
