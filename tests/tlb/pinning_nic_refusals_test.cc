// What a NIC with pins does not take, as a device does not.
#include <sys/mman.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/tlb/pinning_nic_pair.h"

namespace mapwire::pinning_test {
namespace {

TEST_F(PinningNic, local_memory_that_no_region_allows_is_refused) {
  const Pages local{2};
  const Pages peer{2};
  const MemoryKeys keys = enrol(0, local);
  const std::uint32_t rkey = enrol(1, peer).rkey;
  const std::uint32_t read_only = enrol(0, local, {.local_write = false, .remote_read = true}).lkey;
  const std::uint32_t other_domain = enrol(0, local, kAllRights, 2).lkey;
  Sge before = local.sge(keys.lkey, 0, 8);
  before.address -= 1;
  for (const Sge& bad :
       {local.sge(keys.lkey ^ 1024, 0, 8), local.sge(proto::kAnyMemoryLkey, 0, 8),
        local.sge(keys.rkey, 0, 8), local.sge(other_domain, 0, 8), before,
        local.sge(keys.lkey, 2 * kPageBytes - 7, 8), local.sge(keys.lkey, 1, 2 * kPageBytes)}) {
    expect_refused(WorkOpcode::kSend, bad, peer, rkey);
    expect_refused(WorkOpcode::kWrite, bad, peer, rkey);
    expect_refused(WorkOpcode::kRead, bad, peer, rkey);
  }
  expect_refused(WorkOpcode::kRead, local.sge(read_only, 0, 8), peer, rkey);
  expect_refused(WorkOpcode::kFetchAdd, local.sge(read_only, 0, 8), peer, rkey);
  EXPECT_TRUE(send(1, WorkOpcode::kWrite, {local.sge(read_only, 0, 8)}, &peer, rkey));
  expect_completion(0, 1);
  nic(0).deregister_memory(keys.lkey);
  expect_refused(WorkOpcode::kWrite, local.sge(keys.lkey, 0, 8), peer, rkey);
}

TEST_F(PinningNic, a_receive_into_read_only_memory_is_refused) {
  const Pages source{1};
  const Pages target{1};
  EXPECT_TRUE(receive(1, {target.sge(enrol(1, target, {.local_write = false}).lkey)}));
  EXPECT_TRUE(send(2, WorkOpcode::kSend, {source.sge(enrol(0, source).lkey)}));
  expect_completion(1, 1, Code::kLocalProtection);
  expect_completion(0, 2, Code::kRemoteOperational);
}

TEST_F(PinningNic, what_arrives_for_memory_deregistered_meanwhile_fails_the_queue_pair) {
  const Pages source{1};
  const Pages target{1};
  source.fill(1);
  const std::uint32_t to = enrol(1, target).lkey;
  EXPECT_TRUE(receive(1, {target.sge(to)}));
  EXPECT_TRUE(receive(2, {}));
  nic(1).deregister_memory(to);
  enrol(1, target);
  EXPECT_TRUE(send(3, WorkOpcode::kSend, {source.sge(enrol(0, source).lkey)}));
  expect_completion(1, 1, Code::kLocalProtection);
  expect_completion(1, 2, Code::kFlushed);
  EXPECT_TRUE(target.is_all(0));
  std::array<AsyncEvent, 2> events;
  ASSERT_EQ(nic(1).poll_async(events), 1U);
  EXPECT_EQ(events[0].qpn, qpn(1));
  EXPECT_EQ(name(events[0].code), name(Code::kLocalProtection));
}

TEST_F(PinningNic,
       bytes_are_in_place_when_a_queue_pair_was_closed_before_its_completion_was_taken) {
  const Pages source{1};
  const Pages target{1};
  const std::uint32_t to = enrol(1, target).lkey;
  source.fill(1);
  EXPECT_TRUE(receive(1, {target.sge(to)}));
  EXPECT_TRUE(receive(2, {target.sge(to)}));
  EXPECT_TRUE(send(3, WorkOpcode::kSend, {source.sge(enrol(0, source).lkey)}));
  while (nic(1).next_deadline_ns() != 0) {
    nic(0).poll({}, now_ns());
    nic(1).poll({}, now_ns());
  }
  nic(1).close_queue_pair(qpn(1));
  EXPECT_TRUE(std::ranges::equal(target.bytes(), source.bytes()));
  nic(1).deregister_memory(to);
  expect_completion(1, 1);
  EXPECT_FALSE(receive(4, {}));
}

TEST_F(PinningNic, memory_that_can_not_be_pinned_is_refused) {
  EXPECT_EQ(refusal(nic(0), {}).code, Code::kInvalidArgument);
  Pages pages{4};
  // Not unmapped: another thread's memory could come to lie there.
  mprotect(pages.bytes().data(), kPageBytes, PROT_NONE);
  const Error unmapped = refusal(nic(0), pages.bytes());
  EXPECT_EQ(unmapped.code, Code::kInvalidArgument);
  EXPECT_EQ(unmapped.os_errno, EFAULT);
  for (std::uint32_t i = 0; i < nic(0).attributes().memory_regions_max; ++i) {
    ASSERT_EQ(refusal(nic(0), pages.bytes().last(1)).code, Code::kOk);
  }
  EXPECT_EQ(refusal(nic(0), pages.bytes().last(1)).code, Code::kLimitReached);
}

TEST_F(PinningNic, memory_beyond_the_limit_of_locked_memory_is_refused) {
  const WithoutRightToLock unprivileged;
  auto nic = testing::make_pinning_soft_nic();
  ASSERT_TRUE(nic) << nic.error().message;
  const Pages pages{1024};
  rlimit before{};
  getrlimit(RLIMIT_MEMLOCK, &before);
  const rlimit low{.rlim_cur = 512 * kPageBytes, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_MEMLOCK, &low);
  const Error error = refusal(**nic, pages.bytes());
  setrlimit(RLIMIT_MEMLOCK, &before);
  EXPECT_EQ(error.code, Code::kOutOfMemory);
  EXPECT_EQ(error.os_errno, ENOMEM);
}

TEST_F(PinningNic, a_post_that_finds_no_staging_would_block_until_a_request_completes) {
  set_up({.staging_bytes = 4 * kPageBytes});
  const Pages source{4};
  const Pages target{4};
  const std::uint32_t from = enrol(0, source).lkey;
  const std::uint32_t rkey = enrol(1, target).rkey;
  for (std::uint64_t round = 0; round < 10; ++round) {
    EXPECT_TRUE(send(round, WorkOpcode::kWrite, {source.sge(from)}, &target, rkey));
    EXPECT_FALSE(send(99, WorkOpcode::kWrite, {source.sge(from)}, &target, rkey));
    expect_completion(0, round);
  }
  EXPECT_TRUE(send(10, WorkOpcode::kWrite, {source.sge(from)}, &target, rkey));
  reconnect();
  EXPECT_TRUE(send(11, WorkOpcode::kWrite, {source.sge(from)}, &target, rkey));
  expect_completion(0, 11);
}

}  // namespace
}  // namespace mapwire::pinning_test
