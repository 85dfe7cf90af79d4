// rdma:// addresses: two soft NICs that set up by the communication manager, as any other make
// would with one of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/own_network.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kPatienceNs;
using testing::kSecondNs;
using testing::next_completion;
using testing::pattern;
using testing::value_of;

constexpr const char* kServer = "rdma://127.0.0.2:7174";

class RdmaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::enter_own_network()) {
      GTEST_SKIP() << "no network namespace of our own: UDP port 4791 may have another owner here";
    }
    server_.emplace(value_of(Context::create(server_options_)));
    client_.emplace(value_of(Context::create(client_options_)));
    listener_.emplace(value_of(server_->listen({.address = kServer, .endpoint = served_})));
  }

  void connect(const ConnectOptions& options = {}) {
    auto accepting = std::async(std::launch::async, [&] { return listener_->accept(kPatienceNs); });
    connected_.emplace(value_of(client_->connect(kServer, options)));
    accepted_.emplace(value_of(accepting.get()));
  }

  // Sends `bytes` bytes and expects them at the other end.
  static void expect_message(Context& from_context, Endpoint& from, Context& to_context,
                             Endpoint& to, std::size_t bytes) {
    const auto sent = pattern(bytes, 1);
    std::vector<std::byte> received(bytes);
    ASSERT_EQ(to.post_receive(received, 2), Code::kOk);
    ASSERT_EQ(from.post_send(sent, 1), Code::kOk);
    const Completion arrived = next_completion(to_context);
    EXPECT_EQ(arrived.status, Code::kOk);
    EXPECT_EQ(arrived.bytes, bytes);
    EXPECT_EQ(next_completion(from_context).status, Code::kOk);
    EXPECT_EQ(received, sent);
  }

  // Polls until the endpoint has ended, and answers why.
  static Code end_of(Context& context, const Endpoint& endpoint) {
    const auto begin = std::chrono::steady_clock::now();
    while (!endpoint.error() &&
           std::chrono::steady_clock::now() - begin < std::chrono::minutes{1}) {
      Completion completion;
      context.wait({&completion, 1}, kSecondNs / 100);
    }
    return endpoint.error() ? endpoint.error()->code : Code::kTimeout;
  }

  ContextOptions server_options_;
  ContextOptions client_options_;
  EndpointOptions served_;
  std::optional<Context> server_;
  std::optional<Context> client_;
  std::optional<Listener> listener_;
  std::optional<Endpoint> accepted_;
  std::optional<Endpoint> connected_;
};

TEST_F(RdmaTest, messages_go_both_ways) {
  connect();
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{4096}, std::size_t{100'000}}) {
    expect_message(*client_, *connected_, *server_, *accepted_, bytes);
    expect_message(*server_, *accepted_, *client_, *connected_, bytes);
  }
}

TEST_F(RdmaTest, memory_can_be_written_read_and_changed_atomically) {
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
  const auto refused = client_->connect(kServer, {.endpoint = {.private_data = pattern(57, 7)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  const auto listener = server_->listen(
      {.address = "rdma://127.0.0.2:7175", .endpoint = {.private_data = pattern(197, 7)}});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Code::kBadOption);
}

TEST_F(RdmaTest, several_connections_share_the_port) {
  connect();
  Endpoint first_connected = std::move(*connected_);
  Endpoint first_accepted = std::move(*accepted_);
  connect();
  expect_message(*client_, *connected_, *server_, *accepted_, 100);
  expect_message(*client_, first_connected, *server_, first_accepted, 100);
}

TEST_F(RdmaTest, a_closed_endpoint_ends_the_other_one) {
  connect();
  connected_->close();
  EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
}

TEST_F(RdmaTest, a_destroyed_context_ends_the_endpoints_of_its_peers) {
  connect();
  client_.reset();
  EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
}

TEST_F(RdmaTest, outstanding_receives_complete_when_the_peer_disconnects) {
  connect();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(connected_->post_receive(bytes, 1), Code::kOk);
  accepted_->close();
  EXPECT_EQ(next_completion(*client_).status, Code::kPeerClosed);
}

TEST_F(RdmaTest, a_peer_without_receives_fails_the_send_by_its_deadline) {
  connect({.endpoint = {.deadline_ns = kSecondNs / 2}});
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(connected_->post_send(bytes, 1), Code::kOk);
  EXPECT_EQ(next_completion(*client_).status, Code::kRnrRetryExceeded);
}

TEST_F(RdmaTest, a_connection_is_made_again_after_the_old_one) {
  for (int i = 0; i < 20; ++i) {
    connect();
    expect_message(*client_, *connected_, *server_, *accepted_, 8);
    (i % 2 == 0 ? connected_ : accepted_)->close();
  }
}

TEST_F(RdmaTest, a_port_without_listener_refuses) {
  const auto refused = client_->connect("rdma://127.0.0.2:7175", {.timeout_ns = kSecondNs / 4});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectionRefused);
  EXPECT_THAT(refused.error().message, HasSubstr("rdma://127.0.0.2:7175"));
}

TEST_F(RdmaTest, a_listener_that_starts_later_is_found) {
  auto connecting =
      std::async(std::launch::async, [&] { return client_->connect("rdma://127.0.0.2:7175"); });
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  Listener late = value_of(server_->listen({.address = "rdma://127.0.0.2:7175"}));
  Endpoint accepted = value_of(late.accept(kPatienceNs));
  Endpoint connected = value_of(connecting.get());
  expect_message(*client_, connected, *server_, accepted, 8);
}

TEST_F(RdmaTest, an_address_where_nobody_speaks_roce_times_out) {
  const auto refused = client_->connect("rdma://127.0.0.9:7174", {.timeout_ns = kSecondNs / 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectTimeout);
  EXPECT_THAT(refused.error().message, HasSubstr("4791"));
}

TEST_F(RdmaTest, two_contexts_on_one_address_are_refused_with_the_cause) {
  Context other = value_of(Context::create());
  const auto refused = other.listen({.address = "rdma://127.0.0.2:7175"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRocePortInUse);
  EXPECT_THAT(refused.error().message, HasSubstr("rdma_rxe"));
  connect();
  const auto also_refused = other.connect(kServer);
  ASSERT_FALSE(also_refused);
  EXPECT_EQ(also_refused.error().code, Code::kRocePortInUse);
}

TEST_F(RdmaTest, each_context_may_have_an_address_of_its_own) {
  connect();
  Context other = value_of(Context::create({.local_address = "127.0.0.3"}));
  auto accepting = std::async(std::launch::async, [&] { return listener_->accept(kPatienceNs); });
  Endpoint connected = value_of(other.connect(kServer));
  Endpoint accepted = value_of(accepting.get());
  EXPECT_EQ(connected.info().local, "127.0.0.3:4791");
  expect_message(other, connected, *server_, accepted, 8);
}

TEST_F(RdmaTest, a_wildcard_means_each_address_of_the_host) {
  Context other = value_of(Context::create());
  Listener everywhere = value_of(other.listen({.address = "rdma://0.0.0.0:7175"}));
  EXPECT_THAT(everywhere.addresses(), ElementsAre("127.0.0.1:7175"));
}

TEST_F(RdmaTest, port_zero_lets_the_listener_choose) {
  Listener chosen = value_of(server_->listen({.address = "rdma://127.0.0.2:0"}));
  EXPECT_NE(chosen.port(), 0);
  auto accepting = std::async(std::launch::async, [&] { return chosen.accept(kPatienceNs); });
  Endpoint connected =
      value_of(client_->connect("rdma://127.0.0.2:" + std::to_string(chosen.port())));
  Endpoint accepted = value_of(accepting.get());
  expect_message(*client_, connected, *server_, accepted, 8);
}

TEST_F(RdmaTest, a_listener_that_is_gone_refuses) {
  listener_.reset();
  const auto refused = client_->connect(kServer, {.timeout_ns = kSecondNs / 4});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectionRefused);
}

TEST_F(RdmaTest, addresses_that_are_none_are_refused) {
  EXPECT_EQ(client_->connect("http://127.0.0.2:1").error().code, Code::kBadOption);
  EXPECT_EQ(Context::create({.local_address = "localhost"}).error().code, Code::kBadOption);
  EXPECT_EQ(server_->listen({.address = kServer}).error().code, Code::kAddressInUse);
}

class LossyRdmaTest : public RdmaTest {
 protected:
  LossyRdmaTest() {
    server_options_.faults = "loss=0.2,duplicate=0.1,reorder=0.1,seed=3";
    client_options_.faults = "loss=0.2,duplicate=0.1,reorder=0.1,seed=4";
  }
};

TEST_F(LossyRdmaTest, connects_and_disconnects_all_the_same) {
  for (int i = 0; i < 5; ++i) {
    connect();
    expect_message(*client_, *connected_, *server_, *accepted_, 5000);
    connected_->close();
    EXPECT_EQ(end_of(*server_, *accepted_), Code::kPeerClosed);
  }
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

class InlineRdmaTest : public RdmaTest {
 protected:
  InlineRdmaTest() { client_options_.progress = Progress::kInline; }
};

TEST_F(InlineRdmaTest, connects_without_a_helper_thread) {
  connect();
  expect_message(*client_, *connected_, *server_, *accepted_, 5000);
  accepted_->close();
  EXPECT_EQ(end_of(*client_, *connected_), Code::kPeerClosed);
}

class Ipv6RdmaTest : public RdmaTest {};

TEST_F(Ipv6RdmaTest, connects_to_the_ipv6_loopback) {
  // One address is all that this family's loopback has: the two ends are of one context.
  Listener listener = value_of(server_->listen({.address = "rdma://[::1]:7174"}));
  auto accepting = std::async(std::launch::async, [&] { return listener.accept(kPatienceNs); });
  Endpoint connected = value_of(server_->connect("rdma://[::1]:7174"));
  Endpoint accepted = value_of(accepting.get());
  EXPECT_EQ(connected.info().remote, "[::1]:4791");
}

}  // namespace
}  // namespace mapwire
