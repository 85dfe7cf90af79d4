// The NIC of the tests that pins memory: without it, they would not notice a stale registration.
#include "tests/pinning_nic.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "mapwire/proto/code.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {
namespace {

using proto::CompletionEntry;
using proto::Sge;
using proto::WorkOpcode;

constexpr std::size_t kPageBytes = 4096;
constexpr std::uint64_t kPatienceNs = 60'000'000'000;
constexpr Access kAllRights{
    .local_write = true, .remote_read = true, .remote_write = true, .remote_atomic = true};

std::uint64_t pinned_bytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == "VmPin:" && status >> kilobytes) return kilobytes * 1024;
  }
  ADD_FAILURE() << "no VmPin";
  return 0;
}

// Small pages at an address that can get others.
class Pages {
 public:
  explicit Pages(std::size_t count)
      : memory_{map(nullptr, count * kPageBytes), count * kPageBytes} {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { munmap(memory_.data(), memory_.size()); }

  void replace() {
    munmap(memory_.data(), memory_.size());
    ASSERT_EQ(map(memory_.data(), memory_.size()), memory_.data());
  }
  std::span<std::byte> bytes() const { return memory_; }
  void fill(unsigned seed) const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      memory_[i] = static_cast<std::byte>((i * 131 + i / 251 + seed * 17) & 0xff);
    }
  }
  bool is_all(int value) const {
    return std::ranges::all_of(memory_, [&](std::byte byte) { return byte == std::byte(value); });
  }
  std::uint64_t word() const {
    std::uint64_t value = 0;
    std::memcpy(&value, memory_.data(), sizeof(value));
    return value;
  }
  Sge sge(std::uint32_t lkey, std::size_t offset, std::size_t bytes) const {
    return {.address = reinterpret_cast<std::uint64_t>(memory_.data()) + offset,
            .bytes = static_cast<std::uint32_t>(bytes),
            .lkey = lkey};
  }
  Sge sge(std::uint32_t lkey) const { return sge(lkey, 0, memory_.size()); }

 private:
  static std::byte* map(std::byte* address, std::size_t bytes) {
    const int fixed = address == nullptr ? 0 : MAP_FIXED_NOREPLACE;
    void* memory =
        mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    return static_cast<std::byte*>(memory);
  }

  std::span<std::byte> memory_;
};

Error refusal(Nic& nic, std::span<std::byte> memory) {
  auto keys = nic.register_memory(memory, kAllRights, 1);
  return keys ? Error{} : keys.error();
}

// While one lives, RLIMIT_MEMLOCK holds for the thread even if it is root's.
class WithoutRightToLock {
 public:
  WithoutRightToLock() {
    syscall(SYS_capget, &header_, before_.data());
    auto without = before_;
    without[0].effective &= ~(1U << CAP_IPC_LOCK);
    syscall(SYS_capset, &header_, without.data());
  }
  WithoutRightToLock(const WithoutRightToLock&) = delete;
  WithoutRightToLock& operator=(const WithoutRightToLock&) = delete;
  ~WithoutRightToLock() { syscall(SYS_capset, &header_, before_.data()); }

 private:
  __user_cap_header_struct header_{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> before_{};
};

class PinningNic : public ::testing::Test {
 protected:
  void SetUp() override { set_up({}); }

  void set_up(const testing::PinningNicOptions& options) {
    for (std::size_t side = 0; side < 2; ++side) {
      auto nic = testing::make_pinning_soft_nic(options);
      if (!nic) GTEST_SKIP() << nic.error().message;
      nics_[side] = std::move(*nic);
    }
    connect();
  }

  void connect() {
    const proto::IpAddress loopback{.family = proto::IpFamily::kV4, .bytes = {127, 0, 0, 1}};
    const QueuePairOptions patient{.deadline_ns = kPatienceNs, .rnr_deadline_ns = kPatienceNs};
    std::array<QueuePairAddress, 2> ends;
    for (std::size_t side = 0; side < 2; ++side) {
      ends[side] = nic(side).open_queue_pair(patient, loopback, loopback).value();
      qpns_[side] = ends[side].qpn;
    }
    for (std::size_t side = 0; side < 2; ++side) {
      ASSERT_TRUE(nic(side).connect_queue_pair(
          qpns_[side], {.address = ends[1 - side], .path_mtu = 1024}, now_ns()));
    }
  }

  void reconnect() {
    for (std::size_t side = 0; side < 2; ++side) {
      nic(side).close_queue_pair(qpn(side));
      poll(side);  // what completed before the close
      completions_[side].clear();
    }
    connect();
  }

  Nic& nic(std::size_t side) { return *nics_[side]; }
  Qpn qpn(std::size_t side) const { return qpns_[side]; }

  MemoryKeys enrol(std::size_t side, const Pages& pages, Access access = kAllRights,
                   std::uint32_t protection_domain = 1) {
    auto keys = nic(side).register_memory(pages.bytes(), access, protection_domain);
    EXPECT_TRUE(keys) << keys.error().message;
    return keys.value_or(MemoryKeys{});
  }

  // From NIC 0.
  bool send(std::uint64_t cookie, WorkOpcode opcode, std::initializer_list<Sge> elements,
            const Pages* target = nullptr, std::uint32_t rkey = 0) {
    proto::SendDescriptor descriptor{.cookie = cookie,
                                     .opcode = opcode,
                                     .sge_count = static_cast<std::uint8_t>(elements.size()),
                                     .rkey = rkey,
                                     .compare = 5,
                                     .swap_or_add = 7};
    if (target != nullptr) descriptor.remote_address = target->sge(0).address;
    std::ranges::copy(elements, descriptor.sge.begin());
    return nic(0).post_send(qpn(0), descriptor, now_ns());
  }
  // At NIC 1.
  bool receive(std::uint64_t cookie, std::initializer_list<Sge> elements) {
    proto::ReceiveDescriptor descriptor{.cookie = cookie,
                                        .sge_count = static_cast<std::uint8_t>(elements.size())};
    std::ranges::copy(elements, descriptor.sge.begin());
    return nic(1).post_receive(qpn(1), descriptor, now_ns());
  }

  void poll(std::size_t side) {
    std::array<CompletionEntry, 16> batch;
    const std::size_t count = nic(side).poll(batch, now_ns()).completions;
    completions_[side].insert(completions_[side].end(), batch.begin(),
                              batch.begin() + static_cast<std::ptrdiff_t>(count));
  }
  void expect_completion(std::size_t side, std::uint64_t cookie, Code status = Code::kOk) {
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    while (completions_[side].empty() && now_ns() < until_ns) {
      poll(0);
      poll(1);
    }
    ASSERT_FALSE(completions_[side].empty()) << "no completion came";
    const CompletionEntry completion = completions_[side].front();
    completions_[side].pop_front();
    EXPECT_EQ(completion.cookie, cookie);
    EXPECT_EQ(completion.qpn, qpn(side));
    EXPECT_EQ(name(Code{completion.status}), name(status));
  }

  void expect_refused(WorkOpcode opcode, const Sge& element, const Pages& peer,
                      std::uint32_t rkey) {
    SCOPED_TRACE(::testing::Message() << "opcode " << static_cast<int>(opcode));
    EXPECT_TRUE(send(1, opcode, {element}, &peer, rkey));
    expect_completion(0, 1, Code::kLocalProtection);
    reconnect();
  }

 private:
  std::array<std::unique_ptr<Nic>, 2> nics_;
  std::array<Qpn, 2> qpns_{};
  std::array<std::deque<CompletionEntry>, 2> completions_;
};

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
}  // namespace mapwire
