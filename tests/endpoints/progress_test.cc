// Threads, sleeping and flow control: who makes progress, who wakes, who would block.
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/counters.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::next_completion;
using testing::value_of;

std::uint64_t counter(std::string_view name) {
  for (const CounterValue& counter : value_of(CounterBlock::read(getpid()))) {
    if (counter.name == name) return counter.value;
  }
  return 0;
}

Code send(Context& context, Endpoint& endpoint, ConstBuffer message) {
  Completion none;
  Code code = Code::kWouldBlock;
  while ((code = endpoint.post_send(message, 1)) == Code::kWouldBlock) {
    if (context.wait({&none, 1}, kPatienceNs) != 0) return Code::kBadResponse;
  }
  return code;
}

class ProgressTest : public ::testing::TestWithParam<ContextOptions> {
 protected:
  void answer(int rounds) {
    std::array<std::byte, 8> buffer{};
    for (int i = 0; i < rounds; ++i) {
      ASSERT_EQ(pair_.accepted.post_receive(buffer, 0), Code::kOk);
      ASSERT_EQ(next_completion(pair_.server).operation, Operation::kReceive);
      ASSERT_EQ(send(pair_.server, pair_.accepted, buffer), Code::kOk);
      ASSERT_EQ(next_completion(pair_.server).status, Code::kOk);
    }
  }

  void send_without_being_asked(int rounds) {
    const std::array<std::byte, 8> message{};
    for (int i = 0; i < rounds; ++i) {
      ASSERT_EQ(send(pair_.server, pair_.accepted, message), Code::kOk);
      ASSERT_EQ(next_completion(pair_.server).status, Code::kOk);
    }
  }

  // Without passive progress the client acknowledges the last messages only while it polls.
  void poll_until(const std::atomic<bool>& done) {
    while (!done) pair_.client.poll({});
  }

  testing::Pair pair_ = testing::make_pair(
      {.server_context = {.spin_ns = GetParam().spin_ns}, .client_context = GetParam()});
};

TEST_P(ProgressTest, sleeping_on_both_sides_loses_no_wake_up) {
  constexpr int kRounds = 2000;
  std::atomic<bool> done = false;
  std::jthread server{[&] {
    answer(kRounds);
    done = true;
  }};
  std::array<std::byte, 8> client_buffer{};
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_EQ(pair_.connected.post_receive(client_buffer, 0), Code::kOk);
    ASSERT_EQ(send(pair_.client, pair_.connected, client_buffer), Code::kOk);
    ASSERT_EQ(next_completion(pair_.client).status, Code::kOk);
    ASSERT_EQ(next_completion(pair_.client).status, Code::kOk);
  }
  poll_until(done);
}

TEST_P(ProgressTest, an_armed_descriptor_tells_of_every_message) {
  constexpr int kRounds = 500;
  std::atomic<bool> done = false;
  std::jthread server{[&] {
    send_without_being_asked(kRounds);
    done = true;
  }};
  std::array<std::byte, 8> buffer{};
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_EQ(pair_.connected.post_receive(buffer, 0), Code::kOk);
    Completion completion;
    while (pair_.client.poll({&completion, 1}) == 0) {
      if (!pair_.client.arm()) continue;
      pollfd descriptor{.fd = pair_.client.event_fd(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&descriptor, 1, 60'000), 1) << "round " << i;
    }
    ASSERT_EQ(completion.status, Code::kOk);
  }
  poll_until(done);
}

INSTANTIATE_TEST_SUITE_P(
    modes, ProgressTest,
    ::testing::Values(ContextOptions{.spin_ns = 0},
                      ContextOptions{.progress = Progress::kInline, .spin_ns = 0},
                      ContextOptions{.threads = Threads::kSingle, .spin_ns = 0}, ContextOptions{}),
    [](const auto& mode) {
      if (!mode.param.spin_ns) return "spinning_first";
      if (mode.param.threads == Threads::kSingle) return "single";
      return mode.param.progress == Progress::kInline ? "inlined" : "passive";
    });

TEST(CreditsTest, four_times_the_receivers_depth_never_finds_it_without_a_receive) {
  constexpr std::uint32_t kMessages = 3000;
  auto pair = testing::make_pair({.listen = {.receive_entries = 16}});
  std::jthread receiver{[&] {
    std::vector<std::uint32_t> numbers(16);
    const auto post = [&](std::uint32_t i) {
      const auto buffer = std::as_writable_bytes(std::span{&numbers[i % 16], 1});
      EXPECT_EQ(pair.accepted.post_receive(buffer, i), Code::kOk);
    };
    for (std::uint32_t i = 0; i < 16; ++i) post(i);
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      const Completion received = next_completion(pair.server);
      EXPECT_EQ(received.status, Code::kOk);
      EXPECT_EQ(numbers[i % 16], i);
      if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
      post(i);
    }
  }};
  std::uint32_t sent = 0;
  std::uint32_t completed = 0;
  std::uint32_t refused = 0;
  while (completed < kMessages) {
    while (sent < kMessages) {
      const auto message = std::as_bytes(std::span{&sent, 1});
      const Code code = pair.connected.post_send(message, sent);
      if (code == Code::kWouldBlock) {
        ++refused;
        break;
      }
      ASSERT_EQ(code, Code::kOk);
      ++sent;
    }
    std::array<Completion, 16> completions;
    const std::size_t count = pair.client.wait(completions, kPatienceNs);
    for (const Completion& done : std::span{completions}.first(count)) {
      ASSERT_EQ(done.status, Code::kOk);
      ++completed;
    }
  }
  receiver.join();
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(counter("nic.rnr_naks_sent"), 0U);
  EXPECT_GT(counter("endpoint.credit_would_block"), 0U);
}

// Adds 1 at the peer `adds` times, and goes on until all threads together have seen `all`
// completions.
void add_beside_others(testing::Pair& pair, const RemoteBuffer& sum, std::uint64_t adds,
                       std::atomic<std::uint64_t>& completed, std::uint64_t all) {
  std::vector<std::uint64_t> originals(adds);
  std::uint64_t posted = 0;
  while (completed < all) {
    if (posted < adds) {
      const Code code = pair.connected.post_fetch_add(originals[posted], sum, 1, posted);
      ASSERT_TRUE(code == Code::kOk || code == Code::kWouldBlock);
      if (code == Code::kOk) ++posted;
    }
    std::array<Completion, 4> completions;
    const std::size_t count = pair.client.wait(completions, 1'000'000);
    for (const Completion& done : std::span{completions}.first(count)) {
      ASSERT_EQ(done.status, Code::kOk);
    }
    completed += count;
  }
}

TEST(ThreadsTest, many_threads_share_a_safe_context) {
  constexpr std::uint64_t kPerThread = 500;
  auto pair = testing::make_pair();
  MemoryRegion region = value_of(
      pair.server.allocate(8, {.remote_read = true, .remote_write = true, .remote_atomic = true}));
  std::atomic<std::uint64_t> completed = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back(
          [&] { add_beside_others(pair, region.remote(), kPerThread, completed, 3 * kPerThread); });
    }
  }
  pair.server.poll({});  // what its helper thread has stored is seen from here on
  std::uint64_t sum = 0;
  std::memcpy(&sum, region.memory().data(), sizeof(sum));
  EXPECT_EQ(sum, 3 * kPerThread);
}

TEST(ThreadsTest, a_single_threaded_context_refuses_other_threads) {
  Context context = value_of(Context::create({.threads = Threads::kSingle}));
  Listener listener = value_of(context.listen({.address = "127.0.0.1:0"}));
  std::jthread{[&] {
    EXPECT_EQ(context.listen().error().code, Code::kWrongThread);
    EXPECT_EQ(context.connect("127.0.0.1:1").error().code, Code::kWrongThread);
    EXPECT_EQ(context.allocate(8).error().code, Code::kWrongThread);
    EXPECT_EQ(listener.accept(1).error().code, Code::kWrongThread);
  }}.join();
}

void poll_a_single_threaded_context_elsewhere() {
  Context context = value_of(Context::create({.threads = Threads::kSingle}));
  std::jthread{[&] { context.poll({}); }}.join();
}

TEST(ThreadsDeathTest, polling_a_single_threaded_context_elsewhere_aborts_with_a_message) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(poll_a_single_threaded_context_elsewhere(),
               "Threads::kSingle was used by another thread");
}

TEST(HelperTest, an_idle_context_is_left_alone) {
  auto pair = testing::make_pair();
  std::this_thread::sleep_for(std::chrono::milliseconds{100});
  const std::uint64_t before = counter("endpoint.helper_serves");
  std::this_thread::sleep_for(std::chrono::milliseconds{500});
  // Expect: it sleeps until a packet or a deadline, and none is due. It would look five hundred
  // times if it ticked.
  EXPECT_LT(counter("endpoint.helper_serves") - before, 50U);
}

}  // namespace
}  // namespace mapwire
