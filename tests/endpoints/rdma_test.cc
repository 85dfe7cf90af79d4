// What is particular to rdma:// addresses; set_up_test.cc has what they share with the others. Two
// soft NICs set up by the communication manager, as any other make would with one of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <future>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/two_hosts.h"

namespace mapwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kPatienceNs;
using testing::kSecondNs;
using testing::next_completion;
using testing::pattern;
using testing::value_of;

class RdmaTest : public testing::TwoHosts {
 protected:
  RdmaTest() : TwoHosts{{.name = "rdma_cm", .scheme = "rdma://"}} {}
};

TEST_F(RdmaTest, both_ends_know_how_they_are_connected) {
  connect();
  const EndpointInfo info = connected_->info();
  EXPECT_EQ(info.local, "127.0.0.1:4791");
  EXPECT_EQ(info.remote, "127.0.0.2:4791");
  EXPECT_EQ(info.profile, Profile::kPlain);
  EXPECT_EQ(info.path_mtu, 4096U);
  EXPECT_EQ(accepted_->info().remote, "127.0.0.1:4791");
}

TEST_F(RdmaTest, private_data_goes_along_and_is_padded_with_zeros) {
  const auto hello = pattern(56, 7);
  connect({.endpoint = {.private_data = hello}});
  EXPECT_TRUE(std::ranges::equal(accepted_->private_data(), hello));
  EXPECT_EQ(connected_->private_data().size(), 196U);
  EXPECT_EQ(connected_->private_data()[0], std::byte{});
}

TEST_F(RdmaTest, private_data_that_does_not_fit_is_refused) {
  const auto refused = client_->connect(address(), {.endpoint = {.private_data = pattern(57, 7)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  const auto listener =
      server_->listen({.address = address(7175), .endpoint = {.private_data = pattern(197, 7)}});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Code::kBadOption);
}

TEST_F(RdmaTest, a_peer_without_receives_fails_the_send_by_its_deadline) {
  connect();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(connected_->post_send(bytes, 1), Code::kOk);
  EXPECT_EQ(next_completion(*client_).status, Code::kRnrRetryExceeded);
}

TEST_F(RdmaTest, an_address_where_nobody_speaks_roce_times_out) {
  const auto refused = client_->connect("rdma://127.0.0.9:7174", {.timeout_ns = kSecondNs / 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectTimeout);
  EXPECT_THAT(refused.error().message, HasSubstr("4791"));
}

TEST_F(RdmaTest, two_contexts_on_one_address_are_refused_with_the_cause) {
  Context other = value_of(Context::create());
  const auto refused = other.listen({.address = address(7175)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRocePortInUse);
  EXPECT_THAT(refused.error().message, HasSubstr("rdma_rxe"));
  connect();
  const auto also_refused = other.connect(address());
  ASSERT_FALSE(also_refused);
  EXPECT_EQ(also_refused.error().code, Code::kRocePortInUse);
}

TEST_F(RdmaTest, each_context_may_have_an_address_of_its_own) {
  connect();
  Context other = value_of(Context::create({.local_address = "127.0.0.3"}));
  auto accepting = std::async(std::launch::async, [&] { return listener_->accept(kPatienceNs); });
  Endpoint connected = value_of(other.connect(address()));
  Endpoint accepted = value_of(accepting.get());
  EXPECT_EQ(connected.info().local, "127.0.0.3:4791");
  expect_message(other, connected, *server_, accepted, 8);
}

TEST_F(RdmaTest, a_wildcard_means_each_address_of_the_host) {
  Context other = value_of(Context::create());
  Listener everywhere = value_of(other.listen({.address = "rdma://0.0.0.0:7175"}));
  EXPECT_THAT(everywhere.addresses(), ElementsAre("127.0.0.1:7175"));
}

TEST_F(RdmaTest, addresses_that_are_none_are_refused) {
  EXPECT_EQ(client_->connect("http://127.0.0.2:1").error().code, Code::kBadOption);
  EXPECT_EQ(Context::create({.local_address = "localhost"}).error().code, Code::kBadOption);
}

class LostGoodbyeRdmaTest : public RdmaTest {
 protected:
  // The third and fourth packet of the client are lost: its DREQ twice, unless it was slow before.
  LostGoodbyeRdmaTest() { client_options_.faults = "loss=0.3,seed=20"; }
};

TEST_F(LostGoodbyeRdmaTest, a_context_does_not_go_before_its_peer_knows) {
  connect();
  client_.reset();
  EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
}

TEST_F(RdmaTest, connects_to_the_ipv6_loopback) {
  // One address is all that this family's loopback has: the two ends are of one context.
  Listener listener = value_of(server_->listen({.address = "rdma://[::1]:7174"}));
  auto accepting = std::async(std::launch::async, [&] { return listener.accept(kPatienceNs); });
  Endpoint connected = value_of(server_->connect("rdma://[::1]:7174"));
  Endpoint accepted = value_of(accepting.get());
  EXPECT_EQ(connected.info().remote, "[::1]:4791");
}

}  // namespace
}  // namespace mapwire
