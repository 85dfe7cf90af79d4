#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/nic_fw/shm_test_support.h"

namespace mapwire::nic_fw {
namespace {

using namespace shm_test;

constexpr std::uint64_t kShmDeadlineNs = 100'000'000;

// The end of a message of `bytes` to a peer that looks every 20 ms, or never.
Code send_to(bool reads, std::size_t bytes) {
  const auto near = make_nic();
  const auto far = make_nic();
  const QueuePairAddress here =
      near->open_queue_pair({.deadline_ns = kShmDeadlineNs}, kLoopback, kLoopback).value();
  const QueuePairAddress there = open(*far);
  connect(*near, here, there);
  connect(*far, there, here);
  std::vector<std::byte> out(bytes);
  std::vector<std::byte> in(bytes);
  proto::ReceiveDescriptor receive{.cookie = 1, .sge_count = 1};
  receive.sge[0] = {.address = reinterpret_cast<std::uint64_t>(in.data()),
                    .bytes = static_cast<std::uint32_t>(bytes)};
  EXPECT_TRUE(far->post_receive(there.qpn, receive, Now{}));
  proto::SendDescriptor send{.cookie = 2, .sge_count = 1};
  send.sge[0] = {.address = reinterpret_cast<std::uint64_t>(out.data()),
                 .bytes = static_cast<std::uint32_t>(bytes)};
  EXPECT_TRUE(near->post_send(here.qpn, send, Now{}));
  std::array<proto::CompletionEntry, 4> completions;
  while (true) {
    if (reads) far->poll(completions, Now{});
    near->next_deadline_ns();  // looks at its deadlines
    if (near->poll(completions, Now{}).completions != 0) return Code{completions[0].status};
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

TEST(ShmDeadline, a_long_message_to_a_slow_reader_is_no_silence) {
  EXPECT_EQ(send_to(true, std::size_t{8} << 20), Code::kOk);  // 32 times the area
}

TEST(ShmDeadline, a_peer_that_never_reads_is_given_up) {
  EXPECT_EQ(send_to(false, std::size_t{8} << 20), Code::kRetryExceeded);
}

}  // namespace
}  // namespace mapwire::nic_fw
