// Every operation between two contexts of this process, under both profiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using testing::next_completion;
using testing::pattern;

class OperationsTest : public ::testing::TestWithParam<Profile> {
 protected:
  testing::Pair pair_ = testing::make_pair({.connect = {.endpoint = {.profile = GetParam()}}});

  // Sends until a credit is there.
  Code send(Endpoint& endpoint, Context& context, ConstBuffer message, std::uint64_t cookie,
            std::optional<std::uint32_t> immediate = std::nullopt) {
    for (;;) {
      const Code code = endpoint.post_send(message, cookie, immediate);
      if (code != Code::kWouldBlock) return code;
      context.poll({});
    }
  }
};

TEST_P(OperationsTest, a_message_arrives_whole_at_every_size) {
  unsigned seed = 0;
  for (const std::size_t bytes :
       {0UL, 1UL, 255UL, 256UL, 257UL, 4080UL, 4096UL, 4097UL, 1000000UL}) {
    const std::vector<std::byte> message = pattern(bytes, ++seed);
    std::vector<std::byte> buffer(bytes);
    ASSERT_EQ(pair_.accepted.post_receive(buffer, 7), Code::kOk);
    ASSERT_EQ(send(pair_.connected, pair_.client, message, 8), Code::kOk);

    const Completion received = next_completion(pair_.server);
    EXPECT_EQ(received.status, Code::kOk);
    EXPECT_EQ(received.operation, Operation::kReceive);
    EXPECT_EQ(received.cookie, 7U);
    EXPECT_EQ(received.endpoint, pair_.accepted.id());
    EXPECT_EQ(received.bytes, bytes);
    EXPECT_FALSE(received.has_immediate);
    EXPECT_EQ(buffer, message);
    const Completion sent = next_completion(pair_.client);
    EXPECT_EQ(sent.status, Code::kOk);
    EXPECT_EQ(sent.operation, Operation::kSend);
    EXPECT_EQ(sent.cookie, 8U);
    EXPECT_EQ(sent.bytes, bytes);
  }
}

TEST_P(OperationsTest, an_immediate_travels_with_a_message) {
  std::array<std::byte, 8> buffer{};
  ASSERT_EQ(pair_.connected.post_receive(buffer, 1), Code::kOk);
  const auto message = pattern(8, 1);
  ASSERT_EQ(send(pair_.accepted, pair_.server, message, 2, 0xdead'beef), Code::kOk);
  const Completion received = next_completion(pair_.client);
  EXPECT_TRUE(received.has_immediate);
  EXPECT_EQ(received.immediate, 0xdead'beefU);
}

TEST_P(OperationsTest, a_write_lands_in_the_peers_memory) {
  MemoryRegion region = testing::value_of(pair_.server.allocate(10000, {.remote_write = true}));
  for (const std::size_t bytes : {1UL, 256UL, 9000UL}) {
    const auto source = pattern(bytes, 3);
    ASSERT_EQ(pair_.connected.post_write(source, region.remote().at(100), 4), Code::kOk);
    const Completion written = next_completion(pair_.client);
    EXPECT_EQ(written.status, Code::kOk);
    EXPECT_EQ(written.operation, Operation::kWrite);
    pair_.server.poll({});  // what its helper thread has stored is seen from here on
    const auto target = region.memory().subspan(100, bytes);
    EXPECT_TRUE(std::ranges::equal(target, source));
  }
}

TEST_P(OperationsTest, a_write_with_immediate_consumes_a_receive_after_its_bytes) {
  MemoryRegion region = testing::value_of(pair_.server.allocate(4096, {.remote_write = true}));
  ASSERT_EQ(pair_.accepted.post_receive(std::span<std::byte>{}, 9), Code::kOk);
  const auto source = pattern(4096, 5);
  Code code = Code::kWouldBlock;
  while ((code = pair_.connected.post_write(source, region.remote(), 4, 77)) == Code::kWouldBlock) {
    pair_.client.poll({});
  }
  ASSERT_EQ(code, Code::kOk);
  const Completion notified = next_completion(pair_.server);
  EXPECT_EQ(notified.status, Code::kOk);
  EXPECT_EQ(notified.operation, Operation::kReceiveWrite);
  EXPECT_EQ(notified.cookie, 9U);
  EXPECT_EQ(notified.immediate, 77U);
  EXPECT_EQ(notified.bytes, source.size());
  EXPECT_TRUE(std::ranges::equal(region.memory(), source));
}

TEST_P(OperationsTest, a_read_fetches_the_peers_memory) {
  MemoryRegion region = testing::value_of(pair_.server.allocate(100000, {.remote_read = true}));
  std::ranges::copy(pattern(100000, 6), region.memory().begin());
  std::vector<std::byte> target(100000);
  ASSERT_EQ(pair_.connected.post_read(target, region.remote(), 1), Code::kOk);
  const Completion read = next_completion(pair_.client);
  EXPECT_EQ(read.status, Code::kOk);
  EXPECT_EQ(read.operation, Operation::kRead);
  EXPECT_EQ(read.bytes, target.size());
  EXPECT_TRUE(std::ranges::equal(region.memory(), target));
}

TEST_P(OperationsTest, atomics_answer_with_what_was_there) {
  MemoryRegion region = testing::value_of(pair_.server.allocate(16, {.remote_atomic = true}));
  std::uint64_t original = 1;
  ASSERT_EQ(pair_.connected.post_fetch_add(original, region.remote().at(8), 5, 1), Code::kOk);
  EXPECT_EQ(next_completion(pair_.client).status, Code::kOk);
  EXPECT_EQ(original, 0U);
  ASSERT_EQ(pair_.connected.post_compare_swap(original, region.remote().at(8), 5, 100, 2),
            Code::kOk);
  EXPECT_EQ(next_completion(pair_.client).operation, Operation::kCompareSwap);
  EXPECT_EQ(original, 5U);
  ASSERT_EQ(pair_.connected.post_compare_swap(original, region.remote().at(8), 5, 200, 3),
            Code::kOk);
  EXPECT_EQ(next_completion(pair_.client).status, Code::kOk);
  EXPECT_EQ(original, 100U);
}

TEST_P(OperationsTest, small_messages_are_copied_when_posted) {
  std::array<std::byte, 256> buffer{};
  ASSERT_EQ(pair_.accepted.post_receive(buffer, 1), Code::kOk);
  std::vector<std::byte> message = pattern(256, 1);
  const std::vector<std::byte> kept = message;
  ASSERT_EQ(send(pair_.connected, pair_.client, message, 2), Code::kOk);
  std::ranges::fill(message, std::byte{0xee});
  ASSERT_EQ(next_completion(pair_.server).status, Code::kOk);
  EXPECT_TRUE(std::ranges::equal(buffer, kept));
}

TEST_P(OperationsTest, messages_keep_their_order) {
  constexpr std::uint32_t kMessages = 1000;
  std::vector<std::uint32_t> received(64);
  std::uint32_t posted = 0;
  std::uint32_t arrived = 0;
  std::uint32_t sent = 0;
  while (arrived < kMessages) {
    if (posted < kMessages && posted - arrived < received.size()) {
      const std::span slot{&received[posted % received.size()], 1};
      ASSERT_EQ(pair_.accepted.post_receive(std::as_writable_bytes(slot), posted), Code::kOk);
      ++posted;
    }
    if (sent < posted) {
      const Code code = pair_.connected.post_send(std::as_bytes(std::span{&sent, 1}), sent);
      ASSERT_TRUE(code == Code::kOk || code == Code::kWouldBlock);
      if (code == Code::kOk) ++sent;
    }
    std::array<Completion, 16> completions;
    for (const Completion& done : std::span{completions}.first(pair_.client.poll(completions))) {
      ASSERT_EQ(done.status, Code::kOk);
    }
    for (const Completion& done : std::span{completions}.first(pair_.server.poll(completions))) {
      ASSERT_EQ(done.status, Code::kOk);
      ASSERT_EQ(done.cookie, arrived);
      ASSERT_EQ(received[arrived % received.size()], arrived);
      ++arrived;
    }
  }
}

TEST_P(OperationsTest, bad_posts_are_refused_and_post_nothing) {
  const std::span<const std::byte> null{static_cast<const std::byte*>(nullptr), 8};
  EXPECT_EQ(pair_.connected.post_send(null, 1), Code::kInvalidArgument);
  std::byte byte{};
  const std::span<const std::byte> huge{&byte, (std::size_t{1} << 31) + 1};
  EXPECT_EQ(pair_.connected.post_send(huge, 1), Code::kMessageTooLong);
  EXPECT_EQ(pair_.connected.post_write(huge, {}, 1), Code::kMessageTooLong);
  const std::span<std::byte> huge_target{&byte, (std::size_t{1} << 31) + 1};
  EXPECT_EQ(pair_.connected.post_read(huge_target, {}, 1), Code::kMessageTooLong);
  EXPECT_EQ(pair_.connected.post_receive(huge_target, 1), Code::kMessageTooLong);
  std::uint64_t original = 0;
  EXPECT_EQ(pair_.connected.post_fetch_add(original, {.address = 4, .bytes = 8}, 1, 1),
            Code::kInvalidArgument);
  EXPECT_EQ(next_completion(pair_.client, 0).status, Code::kTimeout);
  EXPECT_FALSE(pair_.connected.error());
}

TEST_P(OperationsTest, a_full_queue_would_block_until_a_completion_is_polled) {
  std::array<std::byte, 1> buffer{};
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(pair_.accepted.post_receive(buffer, 1), Code::kOk);
  }
  EXPECT_EQ(pair_.accepted.post_receive(buffer, 1), Code::kWouldBlock);
  ASSERT_EQ(send(pair_.connected, pair_.client, buffer, 1), Code::kOk);
  ASSERT_EQ(next_completion(pair_.server).status, Code::kOk);
  EXPECT_EQ(pair_.accepted.post_receive(buffer, 1), Code::kOk);
}

TEST_P(OperationsTest, private_data_and_information_reach_both_sides) {
  EXPECT_EQ(pair_.connected.info().profile, GetParam());
  EXPECT_EQ(pair_.accepted.info().profile, GetParam());
  EXPECT_EQ(pair_.connected.info().path_mtu, pair_.accepted.info().path_mtu);
  EXPECT_EQ(pair_.connected.info().local, pair_.accepted.info().remote);
  EXPECT_EQ(pair_.connected.info().nic, "soft");
  const char* wire = std::getenv("MAPWIRE_WIRE");
  EXPECT_EQ(pair_.connected.info().wire, wire == nullptr ? "shm" : wire);
  EXPECT_FALSE(pair_.accepted.info().peer_version.empty());
}

INSTANTIATE_TEST_SUITE_P(profiles, OperationsTest,
                         ::testing::Values(Profile::kPlain, Profile::kMapwire),
                         [](const auto& profile) {
                           return profile.param == Profile::kPlain ? "plain" : "mapwire";
                         });

}  // namespace
}  // namespace mapwire
