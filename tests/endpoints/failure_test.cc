// Requests and calls that fail: each with its code, and nothing else with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/control.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::kSecondNs;
using testing::next_completion;
using testing::value_of;

class FailureTest : public ::testing::TestWithParam<Profile> {
 protected:
  testing::Pair pair_ = testing::make_pair({.connect = {.endpoint = {.profile = GetParam()}}});

  Code send(ConstBuffer message) {
    Code code = Code::kWouldBlock;
    while ((code = pair_.connected.post_send(message, 1)) == Code::kWouldBlock) {
      pair_.client.poll({});
    }
    return code;
  }
};

TEST_P(FailureTest, a_receive_that_is_too_small_fails_its_connection_alone) {
  auto [other_accepted, other_connected] = testing::connect(pair_.client, pair_.listener);
  std::array<std::byte, 8> small{};
  std::array<std::byte, 9> large{};
  ASSERT_EQ(pair_.accepted.post_receive(small, 1), Code::kOk);
  ASSERT_EQ(pair_.accepted.post_receive(small, 2), Code::kOk);
  ASSERT_EQ(send(large), Code::kOk);
  const Completion received = next_completion(pair_.server);
  EXPECT_EQ(received.status, Code::kReceiveTooSmall);
  EXPECT_EQ(received.cookie, 1U);
  EXPECT_EQ(received.bytes, 0U);
  EXPECT_EQ(next_completion(pair_.server).status, Code::kFlushed);
  EXPECT_EQ(next_completion(pair_.client).status, Code::kRemoteInvalidRequest);
  EXPECT_EQ(pair_.accepted.error()->code, Code::kReceiveTooSmall);
  EXPECT_EQ(pair_.connected.error()->code, Code::kRemoteInvalidRequest);
  // Expect: the connection beside it goes on.
  MemoryRegion region = value_of(pair_.server.allocate(8, {.remote_write = true}));
  ASSERT_EQ(other_connected.post_write(small, region.remote(), 2), Code::kOk);
  EXPECT_EQ(next_completion(pair_.client).status, Code::kOk);
}

TEST_P(FailureTest, a_target_out_of_reach_fails_with_remote_access) {
  MemoryRegion region = value_of(pair_.server.allocate(64, {.remote_read = true}));
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(pair_.connected.post_write(bytes, region.remote(), 1), Code::kOk);
  ASSERT_EQ(pair_.connected.post_write(bytes, region.remote(), 2), Code::kOk);
  EXPECT_EQ(next_completion(pair_.client).status, Code::kRemoteAccess);
  EXPECT_EQ(next_completion(pair_.client).status, Code::kFlushed);
}

// The side that refused learns why, whether it has requests that are flushed or none.
TEST_P(FailureTest, an_access_that_was_refused_is_the_error_of_who_refused_it) {
  auto [other_accepted, other_connected] = testing::connect(pair_.client, pair_.listener);
  std::array<std::byte, 8> bytes{};
  const RemoteBuffer nowhere{.address = 0x1000, .bytes = 8, .rkey = 77};
  for (int i = 0; i < 2; ++i) ASSERT_EQ(pair_.accepted.post_receive(bytes, 1), Code::kOk);
  ASSERT_EQ(pair_.connected.post_write(bytes, nowhere, 2), Code::kOk);
  EXPECT_EQ(next_completion(pair_.server).status, Code::kFlushed);
  ASSERT_TRUE(pair_.accepted.error());
  EXPECT_EQ(pair_.accepted.error()->code, Code::kRemoteAccess);
  EXPECT_NE(pair_.accepted.error()->message.find("refused access"), std::string::npos);

  ASSERT_EQ(other_connected.post_write(bytes, nowhere, 3), Code::kOk);
  while (!other_accepted.error()) pair_.server.poll({});
  EXPECT_EQ(other_accepted.error()->code, Code::kRemoteAccess);
}

INSTANTIATE_TEST_SUITE_P(profiles, FailureTest,
                         ::testing::Values(Profile::kPlain, Profile::kMapwire),
                         [](const auto& profile) {
                           return profile.param == Profile::kPlain ? "plain" : "mapwire";
                         });

TEST(PlainProfileTest, a_send_that_finds_no_receive_is_retried_and_then_fails) {
  ConnectOptions options;
  options.endpoint = {.profile = Profile::kPlain, .deadline_ns = kSecondNs / 2};
  auto pair = testing::make_pair({.connect = options});
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(pair.connected.post_send(bytes, 1), Code::kOk);
  EXPECT_EQ(next_completion(pair.client).status, Code::kRnrRetryExceeded);
}

TEST(MapwireProfileTest, a_send_that_finds_no_receive_would_block) {
  auto pair = testing::make_pair();
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(pair.connected.post_send(bytes, 1), Code::kWouldBlock);
  MemoryRegion region = value_of(pair.server.allocate(8, {.remote_write = true}));
  EXPECT_EQ(pair.connected.post_write(bytes, region.remote(), 1, 5), Code::kWouldBlock);
  EXPECT_EQ(pair.connected.post_write(bytes, region.remote(), 1), Code::kOk);
}

// More messages than the NIC is asked for at once wait in its queue when the end comes.
class AcknowledgedTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kMessages = 512;

  // All are sent and acknowledged, and the receiver has taken none.
  void deliver_all() {
    for (std::size_t i = 0; i < kMessages; ++i) {
      ASSERT_EQ(pair_.accepted.post_receive(received_, i), Code::kOk);
    }
    std::size_t posted = 0;
    std::size_t sent = 0;
    while (sent < kMessages) {
      while (posted < kMessages && pair_.connected.post_send(message_, posted) == Code::kOk) {
        ++posted;
      }
      pair_.server.poll({});  // serves, and takes nothing
      Completion completion;
      if (pair_.client.poll({&completion, 1}) == 0) continue;
      ASSERT_EQ(completion.status, Code::kOk);
      ++sent;
    }
  }

  void expect_all_received() {
    for (std::size_t i = 0; i < kMessages; ++i) {
      const Completion completion = next_completion(pair_.server);
      ASSERT_EQ(completion.status, Code::kOk) << i;
      ASSERT_EQ(completion.cookie, i);
    }
  }

  static constexpr EndpointOptions kDeep{.send_entries = kMessages, .receive_entries = kMessages};
  // Without a helper thread, which would take completions out of the NIC beforehand.
  testing::Pair pair_ = testing::make_pair({.server_context = {.progress = Progress::kInline},
                                            .connect = {.endpoint = kDeep},
                                            .listen = kDeep});
  std::array<std::byte, 8> message_{};
  std::array<std::byte, 8> received_{};
};

TEST_F(AcknowledgedTest, messages_outlive_the_good_bye_of_their_sender) {
  deliver_all();
  pair_.connected.close();
  // The news overtakes the messages.
  while (!pair_.accepted.error()) pair_.server.poll({});
  expect_all_received();
}

TEST_F(AcknowledgedTest, messages_outlive_the_end_of_their_endpoint) {
  deliver_all();
  pair_.accepted.close();
  expect_all_received();
}

TEST(ConnectTest, the_client_may_start_first) {
  Context server = value_of(Context::create());
  Context client = value_of(Context::create());
  std::string address;
  {
    const Listener probe = value_of(server.listen({.address = "127.0.0.1:0"}));
    address = testing::loopback(probe);
  }
  auto connecting = std::async(
      std::launch::async, [&] { return client.connect(address, {.timeout_ns = kPatienceNs}); });
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  Listener listener = value_of(server.listen({.address = address}));
  const Endpoint accepted = value_of(listener.accept(kPatienceNs));
  EXPECT_TRUE(connecting.get());
}

TEST(ConnectTest, bad_calls_answer_with_their_codes) {
  Context context = value_of(Context::create());
  EXPECT_EQ(Context::create({.spin_ns = 1'000'001}).error().code, Code::kBadOption);
  EXPECT_EQ(context.connect("127.0.0.1:x").error().code, Code::kBadOption);
  EXPECT_EQ(context.connect("no.such.host.invalid:1").error().code, Code::kUnknownHost);
  EXPECT_EQ(context.connect("127.0.0.1:1", {.timeout_ns = 1}).error().code,
            Code::kConnectionRefused);
  ConnectOptions options;
  options.endpoint.send_entries = 3;
  EXPECT_EQ(context.connect("127.0.0.1:1", options).error().code, Code::kBadOption);
  options = {};
  options.endpoint.path_mtu = 1500;
  EXPECT_EQ(context.connect("127.0.0.1:1", options).error().code, Code::kBadOption);
  options = {};
  options.endpoint.private_data.resize(4097);
  EXPECT_EQ(context.connect("127.0.0.1:1", options).error().code, Code::kBadOption);
  options = {};
  options.endpoint.deadline_ns = 1;
  EXPECT_EQ(context.connect("127.0.0.1:1", options).error().code, Code::kBadOption);
  EXPECT_EQ(context.register_memory({}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(context.allocate(0).error().code, Code::kInvalidArgument);
}

TEST(ListenTest, a_port_in_use_is_named) {
  Context context = value_of(Context::create());
  const Listener listener = value_of(context.listen({.address = "127.0.0.1:0"}));
  const auto second = context.listen({.address = testing::loopback(listener)});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAddressInUse);
  EXPECT_NE(second.error().message.find(testing::loopback(listener)), std::string::npos);
}

TEST(ListenTest, the_default_is_both_loopbacks_and_the_wildcard_both_families) {
  Context context = value_of(Context::create());
  Listener listener = value_of(context.listen({.address = ":0"}));
  EXPECT_EQ(listener.addresses().size(), 2U);
  const Listener wildcard = value_of(context.listen({.address = "[::]:0"}));
  ASSERT_EQ(wildcard.addresses().size(), 2U);
  EXPECT_TRUE(wildcard.addresses()[0].starts_with("0.0.0.0:"));
  EXPECT_TRUE(wildcard.addresses()[1].starts_with("[::]:"));
}

TEST(ListenTest, a_wildcard_listener_is_reached_over_both_families) {
  Context server = value_of(Context::create());
  Context client = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "[::]:0"}));
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    const std::string address = std::string{host} + ":" + std::to_string(listener.port());
    auto accepting = std::async(std::launch::async, [&] { return listener.accept(kPatienceNs); });
    const Endpoint connected = value_of(client.connect(address));
    const Endpoint accepted = value_of(accepting.get());
    EXPECT_TRUE(accepted.info().local.starts_with(host)) << accepted.info().local;
  }
}

TEST(ListenTest, accept_without_a_peer_ends_in_time) {
  Context context = value_of(Context::create());
  Listener listener = value_of(context.listen({.address = "127.0.0.1:0"}));
  EXPECT_EQ(listener.accept(1'000'000).error().code, Code::kTimeout);
}

TEST(ListenTest, connections_that_ended_unaccepted_take_no_room_and_are_not_accepted) {
  Context server = value_of(Context::create());
  Context client = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  for (std::size_t i = 0; i < detail::kBacklogMax + 1; ++i) {
    value_of(client.connect(testing::loopback(listener))).close();
  }
  ConnectOptions options;
  options.endpoint.private_data = testing::pattern(8, 1);
  const Endpoint connected = value_of(client.connect(testing::loopback(listener), options));
  const Endpoint accepted = value_of(listener.accept(kPatienceNs));
  EXPECT_FALSE(accepted.error());
  EXPECT_TRUE(std::ranges::equal(accepted.private_data(), options.endpoint.private_data));
}

TEST(OptionsTest, a_path_mtu_is_the_smaller_of_both_wishes) {
  ConnectOptions options;
  options.endpoint.path_mtu = 1024;
  const auto pair = testing::make_pair({.connect = options, .listen = {.path_mtu = 512}});
  EXPECT_EQ(pair.connected.info().path_mtu, 512U);
  EXPECT_EQ(pair.accepted.info().path_mtu, 512U);
}

TEST(OptionsTest, private_data_is_handed_to_the_other_side) {
  ConnectOptions options;
  options.endpoint.private_data = testing::pattern(4096, 1);
  const auto pair = testing::make_pair(
      {.connect = options, .listen = {.private_data = testing::pattern(100, 2)}});
  EXPECT_TRUE(std::ranges::equal(pair.accepted.private_data(), testing::pattern(4096, 1)));
  EXPECT_TRUE(std::ranges::equal(pair.connected.private_data(), testing::pattern(100, 2)));
}

}  // namespace
}  // namespace mapwire
