// Every order of destruction, and what is left of requests after it.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::next_completion;
using testing::value_of;

// What a program holds; each part can go at any time.
struct Parts {
  std::optional<Context> server;
  std::optional<Context> client;
  std::optional<Listener> listener;
  std::optional<Endpoint> accepted;
  std::optional<Endpoint> connected;
  std::optional<MemoryRegion> region;
};

Parts make_parts() {
  auto pair = testing::make_pair();
  MemoryRegion region = value_of(pair.server.allocate(4096, {.remote_write = true}));
  return {.server = std::move(pair.server),
          .client = std::move(pair.client),
          .listener = std::move(pair.listener),
          .accepted = std::move(pair.accepted),
          .connected = std::move(pair.connected),
          .region = std::move(region)};
}

constexpr int kParts = 6;

void destroy(Parts& parts, int which) {
  switch (which) {
    case 0: return parts.server.reset();
    case 1: return parts.client.reset();
    case 2: return parts.listener.reset();
    case 3: return parts.accepted.reset();
    case 4: return parts.connected.reset();
    case 5: return parts.region.reset();
  }
}

class LifetimeTest : public ::testing::TestWithParam<int> {};

TEST_P(LifetimeTest, parts_go_in_any_order_with_requests_outstanding) {
  Parts parts = make_parts();
  std::array<std::byte, 1000> bytes{};
  ASSERT_EQ(parts.accepted->post_receive(bytes, 1), Code::kOk);
  ASSERT_EQ(parts.connected->post_receive(bytes, 1), Code::kOk);
  ASSERT_EQ(parts.connected->post_write(bytes, parts.region->remote(), 2), Code::kOk);
  // Rotations and their mirror images: each part goes first once, and last once.
  const int first = GetParam() / 2;
  const int step = GetParam() % 2 == 0 ? 1 : kParts - 1;
  for (int i = 0; i < kParts; ++i) destroy(parts, (first + i * step) % kParts);
}

INSTANTIATE_TEST_SUITE_P(orders, LifetimeTest, ::testing::Range(0, 2 * kParts));

TEST(LifetimesTest, handles_of_a_context_that_is_gone_answer_endpoint_closed) {
  Parts parts = make_parts();
  parts.server.reset();
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(parts.accepted->post_send(bytes, 1), Code::kEndpointClosed);
  EXPECT_EQ(parts.accepted->post_receive(bytes, 1), Code::kEndpointClosed);
  EXPECT_EQ(parts.accepted->post_read(bytes, {}, 1), Code::kEndpointClosed);
  EXPECT_EQ(parts.listener->accept(kPatienceNs).error().code, Code::kEndpointClosed);
  EXPECT_GT(parts.listener->port(), 0);
  // Expect: the peer learns that it was closed, not killed.
  ASSERT_EQ(parts.connected->post_receive(bytes, 2), Code::kOk);
  const Code status = next_completion(*parts.client).status;
  EXPECT_TRUE(status == Code::kPeerClosed || status == Code::kFlushed);
  EXPECT_EQ(parts.connected->error()->code, Code::kPeerClosed);
}

TEST(LifetimesTest, close_flushes_what_is_outstanding_and_is_idempotent) {
  auto pair = testing::make_pair();
  std::array<std::byte, 8> bytes{};
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_EQ(pair.accepted.post_receive(bytes, i), Code::kOk);
  pair.accepted.close();
  pair.accepted.close();
  EXPECT_EQ(pair.accepted.post_receive(bytes, 9), Code::kEndpointClosed);
  EXPECT_FALSE(pair.accepted.error());
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Completion flushed = next_completion(pair.server);
    EXPECT_EQ(flushed.status, Code::kFlushed);
    EXPECT_EQ(flushed.cookie, i);
  }
}

TEST(LifetimesTest, the_end_of_a_context_closes_all_its_connections_in_order) {
  Context server = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  std::array<std::byte, 8> bytes{};
  std::vector<Endpoint> accepted;
  {
    Context client = value_of(Context::create());
    std::vector<Endpoint> connected;
    for (std::uint64_t i = 0; i < 8; ++i) {
      auto ends = testing::connect(client, listener);
      accepted.push_back(std::move(ends.first));
      connected.push_back(std::move(ends.second));
      ASSERT_EQ(accepted.back().post_receive(bytes, i), Code::kOk);
    }
  }
  for (std::size_t i = 0; i < accepted.size(); ++i) next_completion(server);
  for (const Endpoint& endpoint : accepted) EXPECT_EQ(endpoint.error()->code, Code::kPeerClosed);
}

TEST(LifetimesTest, completions_outlive_their_endpoint) {
  auto pair = testing::make_pair();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(pair.accepted.post_receive(bytes, 5), Code::kOk);
  const EndpointId id = pair.accepted.id();
  {
    const Endpoint gone = std::move(pair.accepted);
  }
  const Completion flushed = next_completion(pair.server);
  EXPECT_EQ(flushed.cookie, 5U);
  EXPECT_EQ(flushed.endpoint, id);
}

TEST(LifetimesTest, accepted_connections_live_on_without_their_listener) {
  Parts parts = make_parts();
  parts.listener.reset();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(parts.connected->post_write(bytes, parts.region->remote(), 2), Code::kOk);
  EXPECT_EQ(next_completion(*parts.client).status, Code::kOk);
}

TEST(LifetimesTest, a_region_that_is_gone_is_out_of_reach) {
  Parts parts = make_parts();
  const RemoteBuffer remote = parts.region->remote();
  parts.region.reset();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(parts.connected->post_write(bytes, remote, 2), Code::kOk);
  EXPECT_EQ(next_completion(*parts.client).status, Code::kRemoteAccess);
}

TEST(LifetimesTest, many_connections_come_and_go) {
  Context server = value_of(Context::create());
  Context client = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  for (int i = 0; i < 50; ++i) {
    auto [accepted, connected] = testing::connect(client, listener);
    ASSERT_FALSE(connected.error());
  }
}

TEST(LifetimesTest, connections_to_one_peer_are_apart_though_they_share_a_link) {
  Context server = value_of(Context::create());
  Context client = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  auto [accepted, connected] = testing::connect(client, listener);
  auto [other_accepted, other_connected] = testing::connect(client, listener);
  connected.close();
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(accepted.post_receive(bytes, 1), Code::kOk);
  const Code status = next_completion(server).status;
  EXPECT_TRUE(status == Code::kPeerClosed || status == Code::kFlushed);
  MemoryRegion region = value_of(server.allocate(8, {.remote_write = true}));
  ASSERT_EQ(other_connected.post_write(bytes, region.remote(), 2), Code::kOk);
  EXPECT_EQ(next_completion(client).status, Code::kOk);
}

}  // namespace
}  // namespace mapwire
