// Thousands of endpoints between two processes, of which one is in use.
#include "tests/endpoints/many_endpoints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "tests/endpoints/pair.h"
#include "tests/endpoints/peer_process.h"
#include "tests/environment.h"
#include "tests/possessions.h"
#include "tests/sanitized.h"

namespace mapwire::testing {
namespace {

constexpr std::size_t kKibibyte = 1024;
constexpr std::size_t kShmBytesMax = 16 * kKibibyte;
// What one process has but once weighs more among so few.
constexpr std::size_t kUdpBytesMax = 18 * kKibibyte;
// Memory for rings comes in arenas that double, a descriptor each.
constexpr std::size_t kDescriptorsMax = 10;

using Message = std::array<std::byte, 8>;

// The test's judgement on what `count` endpoints added to what this process had.
void expect_little_more(const Possessions& before, std::size_t count, const std::string& wire) {
  const Possessions now = possessions();
  EXPECT_LE(now.descriptors, before.descriptors + kDescriptorsMax);
  const std::size_t each = (now.resident_bytes - before.resident_bytes) / count;
  std::cout << wire << ": " << each << " bytes resident per endpoint\n";
  if (kSanitized) {
    std::cout << "which is not judged: a sanitizer's shadow is in it\n";
  } else {
    EXPECT_LE(each, wire == "shm" ? kShmBytesMax : kUdpBytesMax);
  }
}

// How many; more than fit into what a context once had.
std::size_t endpoints_of_test() { return testing::number_from("MAPWIRE_TEST_ENDPOINTS", 1500); }

// As many as `next` gives, each with a receive of the message.
template <class Next>
std::vector<Endpoint> collect(const Next& next, Message& message) {
  const std::size_t count = endpoints_of_test();
  std::vector<Endpoint> endpoints;
  Possessions before;
  while (endpoints.size() < count) {
    if (endpoints.size() == 1) before = possessions();
    endpoints.push_back(next());
    EXPECT_EQ(endpoints.back().post_receive(message, 1), Code::kOk);
  }
  expect_little_more(before, count - 1, endpoints[0].info().wire);
  return endpoints;
}

}  // namespace

void connect_many(Context& context, const std::string& address) {
  Message message{};
  const auto connect = [&] {
    return value_of(context.connect(address, {.timeout_ns = kPatienceNs}));
  };
  std::vector<Endpoint> endpoints = collect(connect, message);
  const Completion received = next_completion(context);
  ASSERT_EQ(received.status, Code::kOk);
  const auto used = std::ranges::find(endpoints, received.endpoint, &Endpoint::id);
  ASSERT_NE(used, endpoints.end());
  ASSERT_EQ(used->post_send(message, 2), Code::kOk);
  ASSERT_EQ(next_completion(context).status, Code::kOk);
}

namespace {

TEST(ManyEndpoints, cost_a_few_pages_and_no_descriptor_each_and_one_can_be_used) {
  Context context = value_of(Context::create());
  Listener listener = value_of(context.listen({.address = "127.0.0.1:0"}));
  PeerProcess peer{"many", loopback(listener)};
  Message echo{};
  std::vector<Endpoint> endpoints =
      collect([&] { return value_of(listener.accept(kPatienceNs)); }, echo);

  const Message message{std::byte{7}};
  Endpoint& used = endpoints[endpoints.size() / 2];
  Code sent = Code::kWouldBlock;
  while ((sent = used.post_send(message, 2)) == Code::kWouldBlock) {
    Completion none;
    context.wait({&none, 1}, kSecondNs);
  }
  ASSERT_EQ(sent, Code::kOk);
  for (int i = 0; i < 2; ++i) {
    const Completion done = next_completion(context);
    ASSERT_EQ(done.status, Code::kOk);
    EXPECT_EQ(done.endpoint, used.id());
  }
  EXPECT_EQ(echo, message);
  EXPECT_EQ(peer.finish(), 0);
}

}  // namespace
}  // namespace mapwire::testing
