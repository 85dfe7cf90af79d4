#include "tests/pinning_nic.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/tlb/pinning_nic_pair.h"

namespace mapwire::pinning_test {
namespace {

TEST_F(PinningNic, wants_registered_memory_and_is_otherwise_what_stands_behind_it) {
  EXPECT_FALSE(nic(0).attributes().reads_any_memory);
  EXPECT_EQ(nic(0).attributes().name, kSoftNic);
  EXPECT_NE(nic(0).connection_manager(), nullptr);
}

TEST_F(PinningNic, a_message_arrives_from_scattered_memory_in_scattered_memory) {
  const Pages source{400};
  const Pages target{400};
  const std::uint32_t from = enrol(0, source).lkey;
  const std::uint32_t to = enrol(1, target).lkey;
  for (const std::size_t bytes :
       {std::size_t{1}, kPageBytes - 1, kPageBytes + 1, std::size_t{1} << 20}) {
    source.fill(static_cast<unsigned>(bytes));
    std::ranges::fill(target.bytes(), std::byte{0});
    EXPECT_TRUE(receive(1, {target.sge(to, 1, 1), target.sge(to, 2, 0), target.sge(to, 2, bytes)}));
    EXPECT_TRUE(
        send(2, WorkOpcode::kSend, {source.sge(from, 1, bytes - 1), source.sge(from, bytes, 1)}));
    expect_completion(1, 1);
    expect_completion(0, 2);
    EXPECT_TRUE(
        std::ranges::equal(target.bytes().subspan(1, bytes), source.bytes().subspan(1, bytes)));
    EXPECT_EQ(target.bytes()[0], std::byte{0});
    EXPECT_EQ(target.bytes()[bytes + 1], std::byte{0});
  }
}

TEST_F(PinningNic, writes_reads_and_atomics_reach_the_peers_memory) {
  const Pages local{20};
  const Pages remote{20};
  const std::uint32_t lkey = enrol(0, local).lkey;
  const std::uint32_t rkey = enrol(1, remote).rkey;
  local.fill(1);
  EXPECT_TRUE(send(1, WorkOpcode::kWrite, {local.sge(lkey)}, &remote, rkey));
  expect_completion(0, 1);
  EXPECT_TRUE(std::ranges::equal(local.bytes(), remote.bytes()));
  remote.fill(2);
  EXPECT_TRUE(send(2, WorkOpcode::kRead, {local.sge(lkey)}, &remote, rkey));
  expect_completion(0, 2);
  EXPECT_TRUE(std::ranges::equal(local.bytes(), remote.bytes()));
  std::ranges::fill(remote.bytes(), std::byte{0});
  remote.bytes()[0] = std::byte{5};
  EXPECT_TRUE(send(3, WorkOpcode::kCompareSwap, {local.sge(lkey, 0, 8)}, &remote, rkey));
  expect_completion(0, 3);
  EXPECT_EQ(local.word(), 5U);
  EXPECT_TRUE(send(4, WorkOpcode::kFetchAdd, {local.sge(lkey, 0, 8)}, &remote, rkey));
  expect_completion(0, 4);
  EXPECT_EQ(local.word(), 7U);
  EXPECT_EQ(remote.word(), 14U);
}

TEST_F(PinningNic, a_write_with_immediate_leaves_the_memory_of_the_receive_alone) {
  const Pages local{1};
  const Pages remote{1};
  const Pages unused{1};
  const std::uint32_t lkey = enrol(0, local).lkey;
  const std::uint32_t rkey = enrol(1, remote).rkey;
  local.fill(1);
  std::ranges::fill(unused.bytes(), std::byte{9});
  EXPECT_TRUE(receive(1, {unused.sge(enrol(1, unused).lkey)}));
  EXPECT_TRUE(send(2, WorkOpcode::kWriteImmediate, {local.sge(lkey)}, &remote, rkey));
  expect_completion(1, 1);
  EXPECT_TRUE(std::ranges::equal(local.bytes(), remote.bytes()));
  EXPECT_TRUE(unused.is_all(9));
}

TEST_F(PinningNic, an_old_registration_sends_the_old_pages_after_others_were_mapped_there) {
  Pages source{3};
  const Pages target{3};
  const Pages old{3};
  const std::uint32_t stale = enrol(0, source).lkey;
  const std::uint32_t to = enrol(1, target).lkey;
  source.fill(1);
  old.fill(1);
  source.replace();
  source.fill(2);
  EXPECT_TRUE(receive(1, {target.sge(to)}));
  EXPECT_TRUE(send(2, WorkOpcode::kSend, {source.sge(stale)}));
  expect_completion(1, 1);
  EXPECT_TRUE(std::ranges::equal(target.bytes(), old.bytes()));

  EXPECT_TRUE(receive(3, {target.sge(to)}));
  EXPECT_TRUE(send(4, WorkOpcode::kSend, {source.sge(enrol(0, source).lkey)}));
  expect_completion(1, 3);
  EXPECT_TRUE(std::ranges::equal(target.bytes(), source.bytes()));
}

TEST_F(PinningNic, an_old_registration_receives_into_the_old_pages) {
  const Pages source{2};
  Pages target{2};
  Pages sink{2};
  const MemoryKeys keys = enrol(0, source);
  const std::uint32_t stale = enrol(1, target).lkey;
  source.fill(1);
  target.replace();
  EXPECT_TRUE(receive(1, {target.sge(stale)}));
  EXPECT_TRUE(send(2, WorkOpcode::kSend, {source.sge(keys.lkey)}));
  expect_completion(1, 1);
  expect_completion(0, 2);
  EXPECT_TRUE(target.is_all(0));

  const std::uint32_t stale_sink = enrol(0, sink).lkey;
  sink.replace();
  source.fill(3);
  EXPECT_TRUE(send(3, WorkOpcode::kRead, {sink.sge(stale_sink)}, &source, enrol(1, source).rkey));
  expect_completion(0, 3);
  EXPECT_TRUE(sink.is_all(0));
}

TEST_F(PinningNic, pins_show_while_memory_is_registered) {
  const Pages pages{25};
  const Pages target{25};
  const std::uint64_t before = pinned_bytes();
  for (int round = 0; round < 50; ++round) {
    const std::uint32_t lkey = enrol(0, pages).lkey;
    const std::uint32_t to = enrol(1, target).lkey;
    EXPECT_EQ(pinned_bytes(), before + 50 * kPageBytes);
    EXPECT_TRUE(receive(1, {target.sge(to)}));
    EXPECT_TRUE(send(2, WorkOpcode::kSend, {pages.sge(lkey)}));
    expect_completion(1, 1);
    expect_completion(0, 2);
    nic(0).deregister_memory(lkey);
    EXPECT_EQ(pinned_bytes(), before + 25 * kPageBytes);
    nic(1).deregister_memory(to);
    EXPECT_EQ(pinned_bytes(), before);
  }
}

TEST_F(PinningNic, pins_go_with_the_nic) {
  const Pages pages{10};
  const std::uint64_t before = pinned_bytes();
  {
    auto other = testing::make_pinning_soft_nic();
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_TRUE((*other)->register_memory(pages.bytes(), kAllRights, 1));
    EXPECT_EQ(pinned_bytes(), before + 10 * kPageBytes);
  }
  EXPECT_EQ(pinned_bytes(), before);
}

}  // namespace
}  // namespace mapwire::pinning_test
