// Windows whose one side is killed while puts are under way. MAPWIRE_TEST_KILLS says how often.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "mapwire/endpoints/window.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/peer_process.h"
#include "tests/environment.h"
#include "tests/tlb/pages.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::PeerProcess;
using testing::value_of;

class WindowDeathTest : public ::testing::Test {
 protected:
  // Any moment between two puts and in them.
  void sleep_a_moment() {
    std::this_thread::sleep_for(std::chrono::microseconds{random_() % 5000});
  }
  template <class Condition>
  static bool holds_soon(const Condition& condition) {
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    while (!condition() && now_ns() < until_ns) std::this_thread::yield();
    return condition();
  }

  const std::uint64_t kills_ = testing::number_from("MAPWIRE_TEST_KILLS", 8);
  const std::uint64_t seed_ = testing::number_from("MAPWIRE_TEST_SEED", now_ns());
  const ::testing::ScopedTrace replay_{__FILE__, __LINE__,
                                       "again with MAPWIRE_TEST_SEED=" + std::to_string(seed_)};
  std::minstd_rand random_{static_cast<std::uint32_t>(seed_)};
  Context context_ = value_of(Context::create());
  Listener listener_ = value_of(context_.listen({.address = "127.0.0.1:0"}));
};

TEST_F(WindowDeathTest, nothing_lands_after_a_killed_importer_is_forgotten) {
  const testing::Pages pages{16};
  const std::span<std::byte> memory = pages.memory();
  const Export exported = value_of(context_.export_buffer("all", memory));
  const auto written = [&] {
    return std::atomic_ref{memory[0]}.load(std::memory_order_acquire) != std::byte{0};
  };
  for (std::uint64_t kill = 0; kill < kills_; ++kill) {
    const PeerProcess importer{"importer", testing::loopback(listener_) + "/all"};
    ASSERT_TRUE(holds_soon(written)) << kill;
    sleep_a_moment();
    importer.send_signal(SIGKILL);
    ASSERT_TRUE(holds_soon([&] { return exported.imports() == 0; })) << kill;
    std::ranges::fill(memory, std::byte{0});
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    ASSERT_EQ(std::ranges::count(memory, std::byte{0}), std::ssize(memory)) << kill;
  }
}

TEST_F(WindowDeathTest, every_put_to_a_killed_exporter_gets_its_status) {
  const std::vector<std::byte> source(testing::kExportedBytes);
  for (std::uint64_t kill = 0; kill < kills_; ++kill) {
    const PeerProcess exporter{"exporter", testing::loopback(listener_)};
    const Endpoint told = value_of(listener_.accept(kPatienceNs));
    std::uint16_t port = 0;
    ASSERT_EQ(told.private_data().size(), sizeof(port));
    std::memcpy(&port, told.private_data().data(), sizeof(port));
    Window window = value_of(context_.import_buffer("127.0.0.1:" + std::to_string(port) + "/all"));
    std::uint64_t posted = 0;
    std::uint64_t completed = 0;
    Code last = Code::kOk;
    const auto take = [&](std::uint64_t timeout_ns) {
      std::array<Completion, 16> done;
      const std::size_t count = context_.wait(done, timeout_ns);
      for (const Completion& one : std::span{done}.first(count)) {
        ASSERT_EQ(one.cookie, completed++);  // each once, in their order
        ASSERT_TRUE(last == Code::kOk || one.status != Code::kOk) << "one came after a failure";
        last = one.status;
      }
    };
    const auto post = [&] { posted += window.put(0, source, posted) == Code::kOk ? 1 : 0; };
    for (int i = 0; i < 20; ++i) {
      post();
      ASSERT_NO_FATAL_FAILURE(take(0));
    }
    sleep_a_moment();
    exporter.send_signal(SIGKILL);
    while (!window.error()) {
      post();
      ASSERT_NO_FATAL_FAILURE(take(1000));
    }
    while (completed < posted) ASSERT_NO_FATAL_FAILURE(take(kPatienceNs));
    EXPECT_NE(last, Code::kOk);
    EXPECT_EQ(window.error()->code, Code::kPeerDead) << window.error()->message;
  }
}

}  // namespace
}  // namespace mapwire
