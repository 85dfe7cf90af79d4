// Windows whose one side is killed while puts are under way. MAPWIRE_TEST_KILLS says how often.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "mapwire/endpoints/window.h"
#include "tests/endpoints/peer_process.h"
#include "tests/endpoints/window_fixture.h"
#include "tests/environment.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::PeerProcess;
using testing::value_of;

class WindowDeathTest : public testing::WindowFixture {
 protected:
  // Any moment between two puts and in them.
  void sleep_a_moment() {
    std::this_thread::sleep_for(std::chrono::microseconds{random_() % 5000});
  }
  bool written() const {
    return std::atomic_ref{memory_.memory()[0]}.load(std::memory_order_acquire) != std::byte{0};
  }
  void expect_untouched() const {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    const std::span<std::byte> memory = memory_.memory();
    ASSERT_EQ(std::ranges::count(memory, std::byte{0}), std::ssize(memory));
  }
  // On the NIC of the column.
  PeerProcess peer(const std::string& role, const std::string& address) const {
    return {GetParam().nic == NicChoice::kVerbs ? "verbs_" + role : role, address};
  }
  std::string listener_address() const { return host_ + ":" + std::to_string(listener_.port()); }
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
};

// The exporter is another process.
class ExporterDeathTest : public WindowDeathTest {};

TEST_P(WindowDeathTest, nothing_lands_after_a_killed_importer_is_forgotten) {
  const std::span<std::byte> memory = memory_.memory();
  const Export exported = export_all();
  for (std::uint64_t kill = 0; kill < kills_; ++kill) {
    const PeerProcess importer = peer("importer", address("all"));
    ASSERT_TRUE(holds_soon([&] { return written(); })) << kill;
    sleep_a_moment();
    importer.send_signal(SIGKILL);
    ASSERT_TRUE(holds_soon([&] { return exported.imports() == 0; })) << kill;
    std::ranges::fill(memory, std::byte{0});
    ASSERT_NO_FATAL_FAILURE(expect_untouched());
  }
}

TEST_P(WindowDeathTest, nothing_of_an_importer_that_was_stopped_lands_after_the_end) {
  for (std::uint64_t stop = 0; stop < kills_; ++stop) {
    std::optional<Export> exported{export_all()};
    const PeerProcess importer = peer("importer", address("all"));
    ASSERT_TRUE(holds_soon([&] { return written(); })) << stop;
    sleep_a_moment();
    importer.send_signal(SIGSTOP);
    exported.reset();
    std::ranges::fill(memory_.memory(), std::byte{0});
    importer.send_signal(SIGCONT);
    ASSERT_NO_FATAL_FAILURE(expect_untouched());
  }
}

TEST_P(ExporterDeathTest, every_put_to_a_killed_exporter_gets_its_status) {
  const std::vector<std::byte> source(testing::kExportedBytes);
  for (std::uint64_t kill = 0; kill < kills_; ++kill) {
    const PeerProcess exporter = peer("exporter", listener_address());
    const Endpoint told = value_of(listener_.accept(kPatienceNs));
    std::uint16_t port = 0;
    ASSERT_EQ(told.private_data().size(), sizeof(port));
    std::memcpy(&port, told.private_data().data(), sizeof(port));
    const std::string name = GetParam().mappable ? "/mappable" : "/all";
    Window window = value_of(importer_.import_buffer(host_ + ":" + std::to_string(port) + name));
    std::uint64_t posted = 0;
    std::uint64_t completed = 0;
    Code last = Code::kOk;
    const auto take = [&](std::uint64_t timeout_ns) {
      std::array<Completion, 16> done;
      const std::size_t count = importer_.wait(done, timeout_ns);
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
    const std::uint64_t posted_in_life = posted;
    while (posted == posted_in_life) {
      post();  // there may have been none under way when it died
      ASSERT_NO_FATAL_FAILURE(take(0));
    }
    while (completed < posted) ASSERT_NO_FATAL_FAILURE(take(kPatienceNs));
    EXPECT_NE(last, Code::kOk);
    // Of a process that dies the kernel takes the device's memory away before the sockets.
    const Code cause = window.error()->code;
    const bool refused = GetParam().nic == NicChoice::kVerbs && cause == Code::kRemoteAccess;
    EXPECT_TRUE(cause == Code::kPeerDead || refused) << window.error()->message;
  }
}

INSTANTIATE_TEST_SUITE_P(nics, WindowDeathTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);
INSTANTIATE_TEST_SUITE_P(nics, ExporterDeathTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
