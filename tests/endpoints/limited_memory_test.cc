// A message of any size passes through what little a process may pin, and the kernel never finds
// more pinned than the budget. MAPWIRE_TEST_TRANSFER_MIB: the size of the message.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/tlb/pin_budget.h"
#include "tests/endpoints/pinned_pair.h"
#include "tests/endpoints/user_of_its_own.h"
#include "tests/environment.h"
#include "tests/tlb/pinning_nic_pair.h"

namespace mapwire {
namespace {

std::size_t transfer_bytes() {
  return testing::number_from("MAPWIRE_TEST_TRANSFER_MIB", 32) << 20U;
}

// The limit, for all of the process.
class MemlockLimit {
 public:
  explicit MemlockLimit(std::size_t bytes) {
    ::getrlimit(RLIMIT_MEMLOCK, &before_);
    const rlimit low{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_MEMLOCK, &low);
  }
  MemlockLimit(const MemlockLimit&) = delete;
  MemlockLimit& operator=(const MemlockLimit&) = delete;
  ~MemlockLimit() { ::setrlimit(RLIMIT_MEMLOCK, &before_); }

 private:
  rlimit before_{};
};

// The most that the kernel had pinned for the process.
class HighWater {
 public:
  HighWater()
      : thread_{[this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            most_ = std::max(most_, pinning_test::pinned_bytes());
          }
        }} {}
  std::uint64_t end() {
    thread_.request_stop();
    thread_.join();
    return most_;
  }

 private:
  std::uint64_t most_ = 0;
  std::jthread thread_;
};

class LimitedMemoryTest : public testing::PinnedPair,
                          public ::testing::WithParamInterface<std::size_t> {
 protected:
  // Either side is the one with the limit: the kernel counts both against it.
  void transfer(bool limited_sender) {
    limited_sender ? make_server({}) : make_client({});
    // Who has nothing else pinned: the kernel counts the pins of io_uring by user.
    const testing::UserOfItsOwn unprivileged;
    const MemlockLimit limit{GetParam()};
    const std::size_t budget = tlb::default_pin_limits(1000).bytes;
    ASSERT_LT(budget, GetParam());
    limited_sender ? make_client(budget) : make_server(budget);
    connect();
    const auto message = testing::pattern(transfer_bytes(), 1);
    std::vector<std::byte> buffer(message.size());
    HighWater pinned;
    expect_exchange(message, buffer, 1);
    const std::uint64_t most = pinned.end();
    EXPECT_GT(most, 0U);
    EXPECT_LE(most, budget);
  }
};

TEST_P(LimitedMemoryTest, sends_a_message_of_any_size) { transfer(true); }
TEST_P(LimitedMemoryTest, receives_a_message_of_any_size) { transfer(false); }

INSTANTIATE_TEST_SUITE_P(limits, LimitedMemoryTest,
                         ::testing::Values(std::size_t{8} << 20U, std::size_t{64} << 10U),
                         [](const auto& limit) {
                           return std::to_string(limit.param / 1024) + "_KiB";
                         });

}  // namespace
}  // namespace mapwire
