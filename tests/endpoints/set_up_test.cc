// What set-up promises, over TCP and by the connection manager alike, and on both NICs. What is
// particular to one way is in hello_test.cc and rdma_test.cc.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/two_hosts.h"

namespace mapwire {
namespace {

using ::testing::HasSubstr;
using testing::kPatienceNs;
using testing::kSecondNs;
using testing::next_completion;
using testing::pattern;
using testing::value_of;

class SetUpTest : public testing::TwoHosts, public ::testing::WithParamInterface<testing::Way> {
 protected:
  SetUpTest() : TwoHosts{GetParam()} {}
};

TEST_P(SetUpTest, messages_go_both_ways) {
  connect();
  for (const std::size_t bytes : {1U, 4096U, 100'000U}) expect_messages_both_ways(bytes);
}

TEST_P(SetUpTest, memory_can_be_written_read_and_changed_atomically) {
  MemoryRegion region = value_of(
      server_->allocate(8192, {.remote_read = true, .remote_write = true, .remote_atomic = true}));
  connect();
  const auto written = pattern(8000, 3);
  std::vector<std::byte> read(8000);
  std::uint64_t original = 1;
  ASSERT_EQ(connected_->post_write(written, region.remote().at(8), 1), Code::kOk);
  ASSERT_EQ(connected_->post_read(read, region.remote().at(8), 2), Code::kOk);
  ASSERT_EQ(connected_->post_fetch_add(original, region.remote(), 5, 3), Code::kOk);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(next_completion(*client_).status, Code::kOk);
  EXPECT_EQ(read, written);
  EXPECT_EQ(original, 0U);
}

TEST_P(SetUpTest, several_connections_live_side_by_side) {
  connect();
  Endpoint first_connected = std::move(*connected_);
  Endpoint first_accepted = std::move(*accepted_);
  connect();
  expect_message(*client_, *connected_, *server_, *accepted_, 100);
  expect_message(*client_, first_connected, *server_, first_accepted, 100);
}

TEST_P(SetUpTest, a_connection_is_made_again_after_the_old_one) {
  for (int i = 0; i < 20; ++i) {
    connect();
    expect_message(*client_, *connected_, *server_, *accepted_, 8);
    (i % 2 == 0 ? connected_ : accepted_)->close();
  }
}

TEST_P(SetUpTest, a_closed_endpoint_ends_the_other_one) {
  connect();
  connected_->close();
  EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
}

TEST_P(SetUpTest, a_destroyed_context_ends_the_endpoints_of_its_peers) {
  connect();
  client_.reset();
  EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
}

TEST_P(SetUpTest, outstanding_receives_complete_when_the_peer_closes) {
  connect();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(connected_->post_receive(bytes, 1), Code::kOk);
  accepted_->close();
  EXPECT_EQ(next_completion(*client_).status, Code::kPeerClosed);
}

TEST_P(SetUpTest, a_port_without_listener_refuses) {
  const auto refused = client_->connect(address(7175), {.timeout_ns = kSecondNs / 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectionRefused);
  EXPECT_THAT(refused.error().message, HasSubstr(host_ + ":7175"));
}

TEST_P(SetUpTest, a_listener_that_is_gone_refuses) {
  listener_.reset();
  const auto refused = client_->connect(address(), {.timeout_ns = kSecondNs / 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectionRefused);
}

TEST_P(SetUpTest, a_listener_that_starts_later_is_found) {
  auto connecting =
      std::async(std::launch::async, [&] { return client_->connect(address(7175), plain()); });
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  Listener late = value_of(server_->listen({.address = address(7175)}));
  Endpoint accepted = value_of(late.accept(kPatienceNs));
  Endpoint connected = value_of(connecting.get());
  expect_message(*client_, connected, *server_, accepted, 8);
}

TEST_P(SetUpTest, a_port_has_one_listener) {
  const auto second = server_->listen({.address = address()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAddressInUse);
}

TEST_P(SetUpTest, port_zero_lets_the_listener_choose) {
  Listener chosen = value_of(server_->listen({.address = address(0)}));
  EXPECT_NE(chosen.port(), 0);
  auto accepting = std::async(std::launch::async, [&] { return chosen.accept(kPatienceNs); });
  Endpoint connected = value_of(client_->connect(address(chosen.port()), plain()));
  Endpoint accepted = value_of(accepting.get());
  expect_message(*client_, connected, *server_, accepted, 8);
}

// In the manner of the conformance suite: what ends so runs where Soft-RoCE is.
const testing::Way kTcp{.name = "tcp", .scheme = ""};
const testing::Way kRdmaCm{.name = "rdma_cm", .scheme = "rdma://"};
const testing::Way kTcpOnRxe{.name = "tcp_verbs_rxe", .scheme = "", .nic = NicChoice::kVerbs};
const testing::Way kRdmaCmOnRxe{
    .name = "rdma_cm_verbs_rxe", .scheme = "rdma://", .nic = NicChoice::kVerbs};

std::string way_name(const ::testing::TestParamInfo<testing::Way>& way) { return way.param.name; }

INSTANTIATE_TEST_SUITE_P(by, SetUpTest, ::testing::Values(kTcp, kRdmaCm, kTcpOnRxe, kRdmaCmOnRxe),
                         way_name);

// Not of rdma_cm on a device: the kernel takes the path MTU of the port.
class PathMtuTest : public SetUpTest {};

TEST_P(PathMtuTest, is_what_the_client_asks_for) {
  connect({.endpoint = {.path_mtu = 512}});
  EXPECT_EQ(connected_->info().path_mtu, 512U);
  EXPECT_EQ(accepted_->info().path_mtu, 512U);
  expect_messages_both_ways(5000);
}

INSTANTIATE_TEST_SUITE_P(by, PathMtuTest, ::testing::Values(kTcp, kRdmaCm, kTcpOnRxe), way_name);

class DevicePathMtuTest : public SetUpTest {};

TEST_P(DevicePathMtuTest, is_that_of_the_port_and_a_smaller_one_is_refused) {
  const auto refused =
      client_->connect(address(), plain({.timeout_ns = kSecondNs, .endpoint = {.path_mtu = 512}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kMtuMismatch);
  connect();
  expect_messages_both_ways(5000);
}

INSTANTIATE_TEST_SUITE_P(by, DevicePathMtuTest, ::testing::Values(kRdmaCmOnRxe), way_name);

class PrivateDataTest : public SetUpTest {
 protected:
  PrivateDataTest() { served_.private_data = pattern(196, 8); }
};

// The connection manager pads it with zeros.
TEST_P(PrivateDataTest, goes_along_in_both_directions) {
  const auto asked = pattern(56, 7);
  connect({.endpoint = {.private_data = asked}});
  const auto begins_with = [](std::span<const std::byte> data, const std::vector<std::byte>& what) {
    return data.size() >= what.size() && std::ranges::equal(data.first(what.size()), what);
  };
  EXPECT_TRUE(begins_with(accepted_->private_data(), asked));
  EXPECT_TRUE(begins_with(connected_->private_data(), served_.private_data));
}

INSTANTIATE_TEST_SUITE_P(by, PrivateDataTest,
                         ::testing::Values(kTcp, kRdmaCm, kTcpOnRxe, kRdmaCmOnRxe), way_name);

class LossySetUpTest : public SetUpTest {
 protected:
  LossySetUpTest() {
    served_.deadline_ns = kPatienceNs;
    server_options_.faults = "loss=0.2,duplicate=0.1,reorder=0.1,seed=3";
    client_options_.faults = "loss=0.2,duplicate=0.1,reorder=0.1,seed=4";
  }
};

TEST_P(LossySetUpTest, connects_and_disconnects_all_the_same) {
  for (int i = 0; i < 5; ++i) {
    connect({.endpoint = {.deadline_ns = kPatienceNs}});
    expect_message(*client_, *connected_, *server_, *accepted_, 5000);
    connected_->close();
    EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
  }
}

INSTANTIATE_TEST_SUITE_P(by, LossySetUpTest, ::testing::Values(kTcp, kRdmaCm), way_name);

class InlineSetUpTest : public SetUpTest {
 protected:
  InlineSetUpTest() { client_options_.progress = Progress::kInline; }
};

TEST_P(InlineSetUpTest, connects_without_a_helper_thread) {
  connect();
  expect_message(*client_, *connected_, *server_, *accepted_, 5000);
  accepted_->close();
  EXPECT_EQ(end_of(*client_, *connected_), Code::kPeerClosed);
}

INSTANTIATE_TEST_SUITE_P(by, InlineSetUpTest,
                         ::testing::Values(kTcp, kRdmaCm, kTcpOnRxe, kRdmaCmOnRxe), way_name);

}  // namespace
}  // namespace mapwire
