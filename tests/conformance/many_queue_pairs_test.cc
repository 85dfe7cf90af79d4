// Many queue pairs, both directions at once, and where the limits are.
#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

class ManyQueuePairs : public Conformance {};

TEST_P(ManyQueuePairs, sixty_four_connections_take_turns) {
  std::vector<Connection> connections;
  for (int i = 0; i < 64; ++i) connections.push_back(connect());
  constexpr std::size_t kBytes = 2500;
  Buffer source{nic(0), 64 * kBytes};
  Buffer target{nic(1), 64 * kBytes};
  for (unsigned round = 0; round < 5; ++round) {
    source.fill(round);
    for (std::size_t i = 0; i < 64; ++i) {
      EXPECT_TRUE(
          post_receive(connections[i].right, receive_into(i, {target.sge(i * kBytes, kBytes)})));
      EXPECT_TRUE(post_send(connections[i].left, send_of(i, {source.sge(i * kBytes, kBytes)})));
    }
    for (std::size_t i = 0; i < 64; ++i) {
      expect_completion(connections[i].right, i);
      expect_completion(connections[i].left, i);
    }
    EXPECT_TRUE(std::ranges::equal(source.bytes(), target.bytes()));
  }
}

TEST_P(ManyQueuePairs, both_directions_stream_at_once) {
  const Connection connection = connect();
  constexpr std::size_t kBytes = 3 * 1024 + 1;
  constexpr std::size_t kMessages = 50;
  std::array<std::unique_ptr<Buffer>, 2> sources;
  std::array<std::unique_ptr<Buffer>, 2> targets;
  const std::array ends{connection.left, connection.right};
  for (std::size_t side : {0U, 1U}) {
    sources[side] = std::make_unique<Buffer>(nic(side), kMessages * kBytes);
    targets[side] = std::make_unique<Buffer>(nic(side), kMessages * kBytes);
    sources[side]->fill(static_cast<unsigned>(side));
    for (std::size_t i = 0; i < kMessages; ++i) {
      EXPECT_TRUE(
          post_receive(ends[side], receive_into(i, {targets[side]->sge(i * kBytes, kBytes)})));
    }
  }
  for (std::size_t i = 0; i < kMessages; ++i) {
    for (std::size_t side : {0U, 1U}) {
      EXPECT_TRUE(
          post_send(ends[side], send_of(1000 + i, {sources[side]->sge(i * kBytes, kBytes)})));
    }
  }
  for (std::size_t side : {0U, 1U}) {
    std::size_t sent = 0;
    std::size_t received = 0;
    while (sent + received < 2 * kMessages) {
      const CompletionEntry completion = next_completion(ends[side]);
      ASSERT_EQ(name(Code{completion.status}), name(Code::kOk));
      std::size_t& count = completion.opcode == WorkOpcode::kReceive ? received : sent;
      EXPECT_EQ(completion.cookie % 1000, count++);
    }
    EXPECT_TRUE(std::ranges::equal(sources[1 - side]->bytes(), targets[side]->bytes()));
  }
}

TEST_P(ManyQueuePairs, crossing_reads_and_writes_of_megabytes_arrive_whole) {
  const Connection connection = connect(kPatient, kPatient, 4096);
  constexpr std::size_t kBytes = 3'000'001;
  std::array<std::unique_ptr<Buffer>, 2> exported;
  std::array<std::unique_ptr<Buffer>, 2> written;
  std::array<std::unique_ptr<Buffer>, 2> read;
  const std::array ends{connection.left, connection.right};
  for (std::size_t side : {0U, 1U}) {
    exported[side] = std::make_unique<Buffer>(nic(side), kBytes);
    written[side] = std::make_unique<Buffer>(nic(side), kBytes);
    read[side] = std::make_unique<Buffer>(nic(side), kBytes);
    exported[side]->fill(static_cast<unsigned>(side));
  }
  for (std::size_t side : {0U, 1U}) {
    EXPECT_TRUE(post_send(
        ends[side], one_sided(1, WorkOpcode::kWrite, {exported[side]->sge()}, *written[1 - side])));
    EXPECT_TRUE(post_send(
        ends[side], one_sided(2, WorkOpcode::kRead, {read[side]->sge()}, *exported[1 - side])));
  }
  for (std::size_t side : {0U, 1U}) {
    expect_completion(ends[side], 1);
    expect_completion(ends[side], 2);
  }
  for (std::size_t side : {0U, 1U}) {
    EXPECT_TRUE(std::ranges::equal(exported[side]->bytes(), written[1 - side]->bytes()));
    EXPECT_TRUE(std::ranges::equal(exported[side]->bytes(), read[1 - side]->bytes()));
  }
}

TEST_P(ManyQueuePairs, addresses_say_what_the_peer_needs) {
  std::set<Qpn> numbers;
  std::set<std::uint32_t> first_psns;
  int neighbours = 0;
  Qpn last = 0;
  for (int i = 0; i < 64; ++i) {
    const End end = open(0, kPatient);
    EXPECT_EQ(end.address.udp.ip, world().address(0));
    EXPECT_NE(end.address.udp.port, 0);
    EXPECT_TRUE(std::has_single_bit(end.address.path_mtu_max));
    EXPECT_GE(end.address.path_mtu_max, 256U);
    EXPECT_LE(end.address.path_mtu_max, nic(0).attributes().path_mtu_max);
    EXPECT_GT(end.address.read_atomic_max, 0U);
    EXPECT_LE(end.address.read_atomic_max, nic(0).attributes().read_atomic_max);
    EXPECT_GT(end.qpn(), 1U);  // 0 and 1 are for management (IBTA 3.2.2)
    EXPECT_LT(end.qpn(), 1U << 24);
    EXPECT_LT(end.address.first_psn, 1U << 24);
    EXPECT_TRUE(numbers.insert(end.qpn()).second);
    first_psns.insert(end.address.first_psn);
    if (end.qpn() - last + 8 < 16) ++neighbours;
    last = end.qpn();
  }
  EXPECT_TRUE(neighbours < 5 || nic(0).attributes().foreign) << "QPNs follow each other";
  EXPECT_GT(first_psns.size(), 60U);
}

TEST_P(ManyQueuePairs, no_more_than_the_limit_can_be_open) {
  QueuePairOptions small = kPatient;
  small.send_entries = 1;
  small.receive_entries = 1;
  const std::uint32_t limit = nic(0).attributes().queue_pairs_max;
  std::vector<End> ends;
  for (std::uint32_t i = 0; i < limit; ++i) ends.push_back(open(0, small));
  auto refused = nic(0).open_queue_pair(small, world().address(0), world().address(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(name(refused.error().code), name(Code::kLimitReached));
  nic(0).close_queue_pair(ends.front().qpn());
  open(0, small);
}

TEST_P(ManyQueuePairs, queue_entries_are_limited_by_the_completion_queue) {
  const NicAttributes& attributes = nic(0).attributes();
  QueuePairOptions large = kPatient;
  large.send_entries = attributes.queue_entries_max;
  large.receive_entries = attributes.queue_entries_max;
  std::uint64_t entries = 0;
  std::vector<End> ends;
  while (entries + 2 * attributes.queue_entries_max <= attributes.completion_entries) {
    ends.push_back(open(0, large));
    entries += 2 * attributes.queue_entries_max;
  }
  auto refused = nic(0).open_queue_pair(large, world().address(0), world().address(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(name(refused.error().code), name(Code::kLimitReached));
  nic(0).close_queue_pair(ends.back().qpn());
  open(0, large);
}

TEST_P(ManyQueuePairs, completions_that_wait_are_not_lost_when_more_queue_pairs_come) {
  constexpr std::size_t kMessages = 40;
  const Connection connection = connect();
  Buffer source{nic(0), kMessages};
  Buffer target{nic(1), kMessages};
  source.fill(1);
  for (std::size_t i = 0; i < kMessages; ++i) {
    EXPECT_TRUE(post_receive(connection.right, receive_into(i, {target.sge(i, 1)})));
    EXPECT_TRUE(post_send(connection.left, send_of(i, {source.sge(i, 1)})));
  }
  EXPECT_TRUE(
      poll_without_taking([&] { return std::ranges::equal(source.bytes(), target.bytes()); }));
  // Some thousand queue entries.
  std::vector<Connection> more;
  for (int i = 0; i < 64; ++i) more.push_back(connect());
  for (std::size_t i = 0; i < kMessages; ++i) {
    expect_completion(connection.right, i);
    expect_completion(connection.left, i);
  }
  expect_alive(more.back());
}

TEST_P(ManyQueuePairs, wrong_options_are_refused) {
  const auto local = world().address(0);
  const auto remote = world().address(1);
  for (std::uint32_t entries : {0U, 3U, nic(0).attributes().queue_entries_max * 2}) {
    for (const QueuePairOptions& options : {QueuePairOptions{.send_entries = entries},
                                            QueuePairOptions{.receive_entries = entries}}) {
      EXPECT_EQ(name(nic(0).open_queue_pair(options, local, remote).error().code),
                name(Code::kInvalidArgument))
          << entries;
    }
  }
  const End end = open(0, kPatient);
  for (std::uint32_t path_mtu : {0U, 128U, 1000U, 8192U}) {
    auto connected = nic(0).connect_queue_pair(
        end.qpn(), {.address = end.address, .path_mtu = path_mtu}, world().now_ns());
    ASSERT_FALSE(connected) << path_mtu;
    EXPECT_EQ(name(connected.error().code), name(Code::kInvalidArgument));
  }
  auto unknown = nic(0).connect_queue_pair(
      end.qpn() ^ 1U, {.address = end.address, .path_mtu = 1024}, world().now_ns());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(name(unknown.error().code), name(Code::kInvalidArgument));
}

INSTANTIATE_TEST_SUITE_P(Nics, ManyQueuePairs, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
