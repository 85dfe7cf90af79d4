// Memory is reachable only by its keys, within its range, rights and protection domain.
#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

constexpr std::size_t kRegionBytes = 4096;

class Protection : public Conformance {
 protected:
  // Posts `attack` and a harmless WRITE behind it on a new connection; expects that the attack is
  // refused with `status`, the other flushed, `target` untouched, and the NICs as good as before.
  void expect_refused(const SendDescriptor& attack, Buffer& target, Code status) {
    Buffer harmless{nic(1), 8};
    Buffer source{nic(0), 8};
    const Connection connection = connect();
    target.fill(1);
    const std::vector<std::byte> before{target.bytes().begin(), target.bytes().end()};
    // For the WRITE with immediate: lack of a receive would be told first.
    EXPECT_TRUE(post_receive(connection.right, receive_into(0, {})));
    EXPECT_TRUE(post_send(connection.left, attack));
    EXPECT_TRUE(
        post_send(connection.left, one_sided(99, WorkOpcode::kWrite, {source.sge()}, harmless)));
    expect_completion(connection.left, attack.cookie, status);
    expect_completion(connection.left, 99, Code::kFlushed);
    expect_async(connection.left, status);
    EXPECT_TRUE(std::ranges::equal(target.bytes(), before));
    for (const End& end : {connection.left, connection.right}) {
      nic(end.side).close_queue_pair(end.qpn());
    }
  }

  // WRITE, READ and the atomics of 8 bytes at `offset` of `target`.
  std::vector<SendDescriptor> accesses(const Buffer& local, const Buffer& target,
                                       std::size_t offset) {
    const Sge word = local.sge(0, 8);
    return {one_sided(1, WorkOpcode::kWrite, {word}, target, offset),
            one_sided(2, WorkOpcode::kWriteImmediate, {word}, target, offset),
            one_sided(3, WorkOpcode::kRead, {word}, target, offset),
            compare_swap(4, word, target, offset, 0, 1), fetch_add(5, word, target, offset, 1)};
  }

  void expect_all_refused(const Buffer& local, Buffer& target, std::size_t offset,
                          const std::function<void(SendDescriptor&)>& spoil) {
    for (SendDescriptor attack : accesses(local, target, offset)) {
      SCOPED_TRACE(::testing::Message() << "opcode " << static_cast<int>(attack.opcode));
      spoil(attack);
      expect_refused(attack, target, Code::kRemoteAccess);
    }
  }
};

TEST_P(Protection, a_wrong_rkey_is_refused) {
  Buffer local{nic(0), 8};
  Buffer target{nic(1), kRegionBytes};
  expect_all_refused(local, target, 0, [](SendDescriptor& attack) { attack.rkey ^= 1U << 20; });
  expect_all_refused(local, target, 0, [](SendDescriptor& attack) { attack.rkey = 0; });
}

TEST_P(Protection, an_lkey_is_no_rkey) {
  if (nic(0).attributes().foreign) GTEST_SKIP() << "keys are those of the device";
  Buffer local{nic(0), 8};
  Buffer target{nic(1), kRegionBytes};
  expect_all_refused(local, target, 0,
                     [&](SendDescriptor& attack) { attack.rkey = target.keys().lkey; });
}

TEST_P(Protection, an_access_outside_of_the_region_is_refused) {
  Buffer local{nic(0), 8};
  Buffer target{nic(1), kRegionBytes};
  for (std::uint64_t address :
       {target.address() - 8, target.address(kRegionBytes), target.address(kRegionBytes) + 4096,
        std::uint64_t{0}, UINT64_MAX - 7}) {
    SCOPED_TRACE(address);
    expect_all_refused(local, target, 0,
                       [&](SendDescriptor& attack) { attack.remote_address = address; });
  }
}

TEST_P(Protection, an_access_that_starts_inside_and_ends_outside_is_refused) {
  Buffer local{nic(0), 2 * kRegionBytes};
  Buffer target{nic(1), kRegionBytes};
  for (WorkOpcode opcode : {WorkOpcode::kWrite, WorkOpcode::kRead}) {
    expect_refused(one_sided(1, opcode, {local.sge(0, 9)}, target, kRegionBytes - 8), target,
                   Code::kRemoteAccess);
    expect_refused(one_sided(1, opcode, {local.sge(0, kRegionBytes + 1)}, target, 0), target,
                   Code::kRemoteAccess);
  }
}

TEST_P(Protection, an_access_without_the_right_is_refused) {
  Buffer local{nic(0), 8};
  struct Case {
    WorkOpcode opcode;
    Access rights;  // all but the one it needs
  };
  const std::vector<Case> cases{
      {WorkOpcode::kWrite, {.remote_read = true, .remote_atomic = true}},
      {WorkOpcode::kRead, {.remote_write = true, .remote_atomic = true}},
      {WorkOpcode::kCompareSwap, {.remote_read = true, .remote_write = true}},
      {WorkOpcode::kFetchAdd, {.remote_read = true, .remote_write = true}}};
  for (const Case& one : cases) {
    SCOPED_TRACE(::testing::Message() << "opcode " << static_cast<int>(one.opcode));
    Buffer target{nic(1), kRegionBytes, one.rights};
    expect_refused(one_sided(1, one.opcode, {local.sge()}, target), target, Code::kRemoteAccess);
  }
}

TEST_P(Protection, a_region_of_another_protection_domain_is_refused) {
  Buffer local{nic(0), 8};
  Buffer target{nic(1), kRegionBytes, kAllRights, 2};
  expect_all_refused(local, target, 0, [](SendDescriptor&) {});
}

TEST_P(Protection, a_deregistered_region_is_refused) {
  Buffer local{nic(0), 8};
  Buffer target{nic(1), kRegionBytes};
  nic(1).deregister_memory(target.keys().lkey);
  expect_all_refused(local, target, 0, [](SendDescriptor&) {});
}

TEST_P(Protection, an_access_of_no_bytes_needs_no_key) {  // IBTA 9.7.4.1.5
  const Connection connection = connect();
  Buffer target{nic(1), 8};
  for (WorkOpcode opcode : {WorkOpcode::kWrite, WorkOpcode::kRead}) {
    SendDescriptor nothing = one_sided(1, opcode, {}, target);
    nothing.rkey = 0;
    EXPECT_TRUE(post_send(connection.left, nothing));
    expect_completion(connection.left, 1);
  }
}

TEST_P(Protection, an_atomic_on_an_unaligned_address_is_an_invalid_request) {  // IBTA 9.4.5
  Buffer local{nic(0), 8};
  Buffer target{nic(1), kRegionBytes};
  const std::size_t odd = target.address() % 8 == 0 ? 4 : 0;
  expect_refused(fetch_add(1, local.sge(), target, odd, 1), target, Code::kRemoteInvalidRequest);
  expect_refused(compare_swap(1, local.sge(), target, odd, 0, 1), target,
                 Code::kRemoteInvalidRequest);
}

TEST_P(Protection, local_memory_outside_of_its_region_is_refused_at_the_sender) {
  Buffer target{nic(1), kRegionBytes};
  Buffer local{nic(0), 64};
  Buffer other_domain{nic(0), 64, kAllRights, 2};
  Sge behind = local.sge(0, 65);
  Sge before = local.sge(0, 8);
  before.address -= 1;
  Sge unknown = local.sge();
  unknown.lkey ^= 1U << 20;
  Sge rkey = local.sge();
  rkey.lkey = local.keys().rkey;
  std::vector<Sge> bad{behind, before, unknown, other_domain.sge()};
  if (!nic(0).attributes().foreign) bad.push_back(rkey);
  for (const Sge& element : bad) {
    for (WorkOpcode opcode : {WorkOpcode::kSend, WorkOpcode::kWrite, WorkOpcode::kRead}) {
      SCOPED_TRACE(::testing::Message() << "opcode " << static_cast<int>(opcode));
      expect_refused(one_sided(1, opcode, {element}, target), target, Code::kLocalProtection);
    }
  }
}

TEST_P(Protection, a_read_into_memory_that_is_not_writable_is_refused_at_the_sender) {
  Buffer target{nic(1), kRegionBytes};
  Buffer local{nic(0), 8, {.local_write = false}};
  expect_refused(one_sided(1, WorkOpcode::kRead, {local.sge()}, target), target,
                 Code::kLocalProtection);
  expect_refused(fetch_add(1, local.sge(), target, 0, 1), target, Code::kLocalProtection);
}

TEST_P(Protection, memory_that_is_not_writable_can_be_sent) {
  const Connection connection = connect();
  Buffer source{nic(0), 100, {.local_write = false}};
  Buffer target{nic(1), 100};
  source.fill(1);
  EXPECT_TRUE(post_send(connection.left, one_sided(1, WorkOpcode::kWrite, {source.sge()}, target)));
  expect_completion(connection.left, 1);
  EXPECT_TRUE(std::ranges::equal(source.bytes(), target.bytes()));
}

TEST_P(Protection, a_receive_outside_of_its_region_fails_both_ends) {
  const Connection connection = connect();
  Buffer source{nic(0), 100};
  Buffer target{nic(1), 64};
  EXPECT_TRUE(post_receive(connection.right, receive_into(1, {target.sge(0, 100)})));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {source.sge()})));
  expect_completion(connection.right, 1, Code::kLocalProtection);
  expect_completion(connection.left, 2, Code::kRemoteOperational);
  expect_async(connection.right, Code::kLocalProtection);
  expect_async(connection.left, Code::kRemoteOperational);
}

TEST_P(Protection, registering_nothing_is_refused_and_unknown_keys_have_no_effect) {
  EXPECT_EQ(nic(0).register_memory({}, kAllRights, 1).error().code, Code::kInvalidArgument);
  nic(0).deregister_memory(12345);
  nic(0).deregister_memory(0);
}

TEST_P(Protection, keys_are_distinct_and_not_to_be_guessed) {
  if (nic(0).attributes().foreign) GTEST_SKIP() << "keys are those of the device";
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::set<std::uint32_t> seen;
  int neighbours = 0;
  for (int i = 0; i < 200; ++i) {
    buffers.push_back(std::make_unique<Buffer>(nic(0), 8));
    const MemoryKeys keys = buffers.back()->keys();
    EXPECT_NE(keys.lkey, keys.rkey);
    EXPECT_NE(keys.lkey, proto::kAnyMemoryLkey);
    EXPECT_TRUE(seen.insert(keys.lkey).second);
    EXPECT_TRUE(seen.insert(keys.rkey).second);
    if (i == 0) continue;
    const std::uint32_t step = keys.rkey - buffers[static_cast<std::size_t>(i) - 1]->keys().rkey;
    if (step + 1024 < 2048) ++neighbours;
  }
  EXPECT_LT(neighbours, 10) << "rkeys follow each other";
}

INSTANTIATE_TEST_SUITE_P(Nics, Protection, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
