// Two NICs with pins of the kernel's, with a connected queue pair each, and what their tests share.
#pragma once

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "mapwire/proto/code.h"
#include "mapwire/runtime/clock.h"
#include "tests/pinning_nic.h"

namespace mapwire::pinning_test {

using proto::CompletionEntry;
using proto::Sge;
using proto::WorkOpcode;

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::uint64_t kPatienceNs = 60'000'000'000;
inline constexpr Access kAllRights{
    .local_write = true, .remote_read = true, .remote_write = true, .remote_atomic = true};

inline std::uint64_t pinned_bytes() {
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

inline Error refusal(Nic& nic, std::span<std::byte> memory) {
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

}  // namespace mapwire::pinning_test
