#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "tests/nic_fw/shm_test_support.h"

namespace mapwire::nic_fw {
namespace {

using namespace shm_test;

// Completions go straight to the caller of a poll, and only while it lasts.
TEST(ShmCompletions, of_what_fails_between_two_polls_wait_for_the_second) {
  const auto near = make_nic();
  const auto far = make_nic();
  const QueuePairAddress here = open(*near);
  const QueuePairAddress there = open(*far);
  connect(*near, here, there);
  connect(*far, there, here);
  std::uint64_t in = 0;
  std::uint64_t out = 7;
  ASSERT_TRUE(post_receive(*near, here.qpn, in));
  ASSERT_TRUE(post_send(*far, there.qpn, out));
  std::array<proto::CompletionEntry, 4> completions;
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  while (near->poll(completions, Now{}).completions == 0 && now_ns() < until_ns) {
    far->poll({}, Now{});
    far->next_deadline_ns();  // takes the hello
  }
  ASSERT_EQ(in, out);
  proto::SendDescriptor bad{.cookie = 3, .sge_count = 1};
  bad.sge[0] = {.address = reinterpret_cast<std::uint64_t>(&out), .bytes = 8, .lkey = 99};
  ASSERT_TRUE(near->post_send(here.qpn, bad, Now{}));
  ASSERT_EQ(near->poll(completions, Now{}).completions, 1U);
  EXPECT_EQ(completions[0].cookie, 3U);
  EXPECT_EQ(Code{completions[0].status}, Code::kLocalProtection);
}

}  // namespace
}  // namespace mapwire::nic_fw
