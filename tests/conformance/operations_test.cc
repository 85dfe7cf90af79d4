// Every operation moves the right bytes, whatever their number.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

constexpr std::size_t kGuard = 13;  // bytes around a target that nothing may touch

class Operations : public Conformance {
 protected:
  // Lengths around every seam of segmentation.
  static std::vector<std::size_t> lengths(std::size_t mtu) {
    return {0,       1,       3,           8,           mtu - 1,  mtu,
            mtu + 1, 2 * mtu, 2 * mtu + 1, 5 * mtu - 1, 64 * mtu, 64 * mtu + 7};
  }

  // The bytes of `source` are in `target` behind the guard, and the guards are as filled.
  static void expect_moved(Buffer& source, Buffer& target, const std::vector<std::byte>& before) {
    const std::size_t bytes = source.bytes().size();
    EXPECT_TRUE(std::ranges::equal(target.bytes().subspan(kGuard, bytes), source.bytes()));
    EXPECT_TRUE(std::ranges::equal(target.bytes().first(kGuard), std::span{before}.first(kGuard)));
    EXPECT_TRUE(std::ranges::equal(target.bytes().last(kGuard), std::span{before}.last(kGuard)));
  }

  static std::vector<std::byte> copy(Buffer& buffer) {
    return {buffer.bytes().begin(), buffer.bytes().end()};
  }

  void expect(const CompletionEntry& completion, std::uint64_t cookie, WorkOpcode opcode,
              std::size_t bytes) {
    EXPECT_EQ(completion.cookie, cookie);
    EXPECT_EQ(name(Code{completion.status}), name(Code::kOk));
    EXPECT_EQ(completion.opcode, opcode);
    EXPECT_EQ(completion.bytes, bytes);
  }
};

TEST_P(Operations, send_fills_the_receive_buffer) {
  for (std::uint32_t mtu : {256U, 1024U, 4096U}) {
    const Connection connection = connect(kPatient, kPatient, mtu);
    for (std::size_t bytes : lengths(mtu)) {
      SCOPED_TRACE(::testing::Message() << bytes << " bytes, path MTU " << mtu);
      Buffer source{nic(0), bytes + 1};
      Buffer target{nic(1), bytes + 2 * kGuard};
      source.fill(1);
      target.fill(2);
      const auto before = copy(target);
      EXPECT_TRUE(
          post_receive(connection.right, receive_into(10, {target.sge(kGuard, bytes + kGuard)})));
      EXPECT_TRUE(post_send(connection.left, send_of(20, {source.sge(1, bytes)})));

      const CompletionEntry received = next_completion(connection.right);
      expect(received, 10, WorkOpcode::kReceive, bytes);
      EXPECT_EQ(received.flags & proto::kFlagImmediate, 0);
      expect(next_completion(connection.left), 20, WorkOpcode::kSend, bytes);
      EXPECT_TRUE(std::ranges::equal(target.bytes().subspan(kGuard, bytes),
                                     source.bytes().subspan(1, bytes)));
      EXPECT_TRUE(
          std::ranges::equal(target.bytes().first(kGuard), std::span{before}.first(kGuard)));
      EXPECT_TRUE(std::ranges::equal(target.bytes().last(kGuard), std::span{before}.last(kGuard)));
    }
  }
}

TEST_P(Operations, send_with_immediate_delivers_both) {
  const Connection connection = connect();
  for (std::size_t bytes : lengths(connection.path_mtu)) {
    SCOPED_TRACE(::testing::Message() << bytes << " bytes");
    Buffer source{nic(0), bytes + 1};
    Buffer target{nic(1), bytes + 1};
    source.fill(3);
    SendDescriptor send = send_of(20, {source.sge(0, bytes)});
    send.opcode = WorkOpcode::kSendImmediate;
    send.immediate = 0xfeedf00d;
    EXPECT_TRUE(post_receive(connection.right, receive_into(10, {target.sge(0, bytes)})));
    EXPECT_TRUE(post_send(connection.left, send));

    const CompletionEntry received = next_completion(connection.right);
    expect(received, 10, WorkOpcode::kReceive, bytes);
    EXPECT_EQ(received.flags & proto::kFlagImmediate, proto::kFlagImmediate);
    EXPECT_EQ(received.immediate, 0xfeedf00dU);
    expect(next_completion(connection.left), 20, WorkOpcode::kSendImmediate, bytes);
    EXPECT_TRUE(std::ranges::equal(target.bytes().first(bytes), source.bytes().first(bytes)));
  }
}

TEST_P(Operations, write_places_bytes_and_tells_nobody) {
  const Connection connection = connect();
  for (std::size_t bytes : lengths(connection.path_mtu)) {
    SCOPED_TRACE(::testing::Message() << bytes << " bytes");
    Buffer source{nic(0), std::max<std::size_t>(bytes, 1)};
    Buffer target{nic(1), bytes + 2 * kGuard};
    source.fill(4);
    target.fill(5);
    const auto before = copy(target);
    EXPECT_TRUE(post_send(connection.left, one_sided(20, WorkOpcode::kWrite, {source.sge(0, bytes)},
                                                     target, kGuard)));
    expect(next_completion(connection.left), 20, WorkOpcode::kWrite, bytes);
    if (bytes == 0) {
      EXPECT_EQ(copy(target), before);
    } else {
      expect_moved(source, target, before);
    }
    EXPECT_EQ(completions_waiting(connection.right), 0U);
  }
}

TEST_P(Operations, write_with_immediate_places_bytes_and_takes_a_receive) {
  const Connection connection = connect();
  for (std::size_t bytes : lengths(connection.path_mtu)) {
    SCOPED_TRACE(::testing::Message() << bytes << " bytes");
    Buffer source{nic(0), std::max<std::size_t>(bytes, 1)};
    Buffer target{nic(1), bytes + 2 * kGuard};
    source.fill(6);
    target.fill(7);
    const auto before = copy(target);
    SendDescriptor write =
        one_sided(20, WorkOpcode::kWriteImmediate, {source.sge(0, bytes)}, target, kGuard);
    write.immediate = static_cast<std::uint32_t>(bytes);
    EXPECT_TRUE(post_receive(connection.right, receive_into(10, {})));
    EXPECT_TRUE(post_send(connection.left, write));

    const CompletionEntry received = next_completion(connection.right);
    expect(received, 10, WorkOpcode::kReceiveWrite, bytes);
    EXPECT_EQ(received.flags & proto::kFlagImmediate, proto::kFlagImmediate);
    EXPECT_EQ(received.immediate, bytes);
    expect(next_completion(connection.left), 20, WorkOpcode::kWriteImmediate, bytes);
    if (bytes > 0) expect_moved(source, target, before);
  }
}

TEST_P(Operations, read_fetches_bytes_and_tells_nobody) {
  const Connection connection = connect();
  for (std::size_t bytes : lengths(connection.path_mtu)) {
    SCOPED_TRACE(::testing::Message() << bytes << " bytes");
    Buffer remote{nic(1), std::max<std::size_t>(bytes, 1)};
    Buffer local{nic(0), bytes + 2 * kGuard};
    remote.fill(8);
    local.fill(9);
    const auto before = copy(local);
    EXPECT_TRUE(post_send(connection.left,
                          one_sided(20, WorkOpcode::kRead, {local.sge(kGuard, bytes)}, remote)));
    expect(next_completion(connection.left), 20, WorkOpcode::kRead, bytes);
    if (bytes == 0) {
      EXPECT_EQ(copy(local), before);
    } else {
      expect_moved(remote, local, before);
    }
    EXPECT_EQ(completions_waiting(connection.right), 0U);
  }
}

TEST_P(Operations, compare_swap_swaps_only_what_is_equal) {
  const Connection connection = connect();
  Buffer target{nic(1), 64};
  Buffer original{nic(0), 8};
  target.set_word(16, 0x1122334455667788);

  EXPECT_TRUE(post_send(connection.left,
                        compare_swap(1, original.sge(), target, 16, 0x1122334455667788, 42)));
  expect(next_completion(connection.left), 1, WorkOpcode::kCompareSwap, 8);
  EXPECT_EQ(original.word(0), 0x1122334455667788U);
  EXPECT_EQ(target.word(16), 42U);

  EXPECT_TRUE(post_send(connection.left, compare_swap(2, original.sge(), target, 16, 41, 43)));
  expect(next_completion(connection.left), 2, WorkOpcode::kCompareSwap, 8);
  EXPECT_EQ(original.word(0), 42U);
  EXPECT_EQ(target.word(16), 42U);
  EXPECT_EQ(target.word(8), 0U);
  EXPECT_EQ(target.word(24), 0U);
}

TEST_P(Operations, fetch_add_adds_modulo_2_to_the_64) {
  const Connection connection = connect();
  Buffer target{nic(1), 24};
  Buffer original{nic(0), 8};
  target.set_word(8, UINT64_MAX - 1);
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(post_send(connection.left, fetch_add(i, original.sge(), target, 8, 1)));
    expect(next_completion(connection.left), i, WorkOpcode::kFetchAdd, 8);
    EXPECT_EQ(original.word(0), UINT64_MAX - 1 + i);
  }
  EXPECT_EQ(target.word(8), 2U);
  EXPECT_EQ(target.word(0), 0U);
  EXPECT_EQ(target.word(16), 0U);
}

TEST_P(Operations, more_reads_and_atomics_than_the_limit_wait_their_turn) {
  const Connection connection = connect();
  Buffer target{nic(1), 4096};
  Buffer local{nic(0), 64 * 64};
  target.fill(11);
  target.set_word(0, 0);
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_TRUE(post_send(
        connection.left,
        i % 2 == 0 ? fetch_add(i, local.sge(i * 64, 8), target, 0, 1)
                   : one_sided(i, WorkOpcode::kRead, {local.sge(i * 64, 64)}, target, i * 32)));
  }
  for (std::size_t i = 0; i < 64; ++i) expect_completion(connection.left, i);
  for (std::size_t i = 0; i < 64; i += 2) EXPECT_EQ(local.word(i * 64), i / 2);
  for (std::size_t i = 1; i < 64; i += 2) {
    EXPECT_TRUE(
        std::ranges::equal(local.bytes().subspan(i * 64, 64), target.bytes().subspan(i * 32, 64)));
  }
}

INSTANTIATE_TEST_SUITE_P(Nics, Operations, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
