// docs/ordering.md: for each of its rules a litmus test of the same number (of rule 12:
// window_test.cc). The exporter looks at its memory while its NIC writes there, without a call of
// mapwire's.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <span>
#include <thread>
#include <vector>

#include "mapwire/endpoints/window.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::next_completion;
using testing::value_of;

constexpr unsigned kLitmusRounds = 200;
// Several packets over several pages, which neither begins nor ends with one.
constexpr std::size_t kDataOffset = 100;
constexpr std::size_t kDataBytes = 10'000;
constexpr std::size_t kFlagOffset = 15 * tlb::kPageBytes;  // away from them

// Zero before the first round.
static_assert(kLitmusRounds < 256);
std::byte value_in(unsigned round) { return static_cast<std::byte>(round); }

class OrderingTest : public testing::WindowFixture {
 protected:
  std::byte at(std::size_t offset) const {
    return std::atomic_ref{memory_.memory()[offset]}.load(std::memory_order_acquire);
  }
  bool await_byte(std::size_t offset, std::byte wanted) const {
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    while (at(offset) != wanted && now_ns() < until_ns) std::this_thread::yield();
    return at(offset) == wanted;
  }
  bool all_are(std::size_t offset, std::size_t bytes, std::byte wanted) const {
    for (std::size_t i = offset; i < offset + bytes; ++i) {
      if (at(i) != wanted) return false;
    }
    return true;
  }
  // Lets others complete before.
  void await_done(std::uint64_t cookie) {
    for (Completion done{.cookie = ~cookie}; done.cookie != cookie;) {
      done = next_completion(importer_);
      ASSERT_EQ(done.status, Code::kOk) << name(done.status);
    }
  }
  void expect_next_done(std::uint64_t cookie) {
    const Completion done = next_completion(importer_);
    ASSERT_EQ(done.status, Code::kOk) << name(done.status);
    ASSERT_EQ(done.cookie, cookie);
  }
  // Puts `kDataBytes` of the value from `source_`, which it fills.
  void put_data(Window& window, std::byte data, std::uint64_t cookie) {
    std::ranges::fill(source_, data);
    ASSERT_EQ(window.put(kDataOffset, source_, cookie), Code::kOk);
  }
  void put_flag(Window& window, std::byte data, std::uint64_t cookie) {
    flag_ = data;
    ASSERT_EQ(window.put(kFlagOffset, std::span{&flag_, 1}, cookie), Code::kOk);
  }

  std::vector<std::byte> source_ = std::vector<std::byte>(kDataBytes);
  std::vector<std::byte> target_ = std::vector<std::byte>(kDataBytes);
  std::byte flag_{};
};

TEST_P(OrderingTest, rule_1_what_has_completed_is_at_the_exporter) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_TRUE(all_are(kDataOffset, kDataBytes, value_in(round))) << round;
  }
}

TEST_P(OrderingTest, rule_2_who_sees_a_byte_of_a_put_sees_the_puts_before_it) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    ASSERT_NO_FATAL_FAILURE(put_flag(window, value_in(round), 2));
    ASSERT_TRUE(await_byte(kFlagOffset, value_in(round))) << round;
    ASSERT_TRUE(all_are(kDataOffset, kDataBytes, value_in(round))) << round;
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(2));
  }
}

TEST_P(OrderingTest, rule_3_an_atomic_takes_its_turn) {
  const Export exported = export_all("all", {.rights = {.atomics = true}});
  Window window = value_of(import_window("all"));
  Window other = value_of(import_window("all"));
  std::uint64_t turn = 0;
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    std::uint64_t original = 0;
    ASSERT_EQ(window.fetch_add(kFlagOffset, 1, original, 2), Code::kOk);
    // Another importer that sees the number sees the put.
    while (turn != round) {
      ASSERT_EQ(other.fetch_add(kFlagOffset, 0, turn, 3), Code::kOk);
      ASSERT_NO_FATAL_FAILURE(await_done(3));
    }
    ASSERT_EQ(other.get(kDataOffset, target_, 4), Code::kOk);
    ASSERT_NO_FATAL_FAILURE(await_done(4));
    ASSERT_EQ(std::ranges::count(target_, value_in(round)), std::ssize(target_)) << round;
    ASSERT_EQ(window.flush(5), Code::kOk);  // the number before has been returned by then
    ASSERT_NO_FATAL_FAILURE(await_done(5));
  }
}

TEST_P(OrderingTest, rule_3_a_notification_takes_its_turn) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  await_imports(exported, 1);
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    flag_ = value_in(round);
    ASSERT_EQ(window.put_notify(kFlagOffset, std::span{&flag_, 1}, round, 2), Code::kOk);
    const Completion told = next_completion(exporter_);
    ASSERT_EQ(told.immediate, round);
    ASSERT_TRUE(all_are(kDataOffset, kDataBytes, value_in(round))) << round;
    ASSERT_EQ(at(kFlagOffset), value_in(round));
    ASSERT_NO_FATAL_FAILURE(await_done(2));
  }
}

TEST_P(OrderingTest, rule_4_a_get_sees_what_was_posted_before_it) {
  const Export exported = export_all("all", {.rights = {.atomics = true}});
  Window window = value_of(import_window("all"));
  std::uint64_t word = 0;
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    std::uint64_t original = 0;
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    ASSERT_EQ(window.fetch_add(kFlagOffset, 1, original, 2), Code::kOk);
    ASSERT_EQ(window.get(kDataOffset, target_, 3), Code::kOk);
    ASSERT_EQ(window.get(kFlagOffset, std::as_writable_bytes(std::span{&word, 1}), 4), Code::kOk);
    for (std::uint64_t cookie = 1; cookie <= 4; ++cookie) {
      ASSERT_NO_FATAL_FAILURE(expect_next_done(cookie));
    }
    ASSERT_EQ(std::ranges::count(target_, value_in(round)), std::ssize(target_)) << round;
    ASSERT_EQ(word, round);
  }
}

TEST_P(OrderingTest, rule_5_a_get_that_has_completed_has_not_seen_a_later_put) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    const std::byte before = value_in(round - 1);
    ASSERT_EQ(window.get(kDataOffset, target_, 1), Code::kOk);
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    const auto got = target_;
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 2));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(2));
    ASSERT_EQ(std::ranges::count(got, before), std::ssize(got)) << round;
    ASSERT_EQ(target_, got);  // and nothing came to it afterwards
  }
}

TEST_P(OrderingTest, rule_5_a_get_under_way_sees_bytes_of_before_or_of_after) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    const std::byte before = value_in(round - 1);
    ASSERT_EQ(window.get(kDataOffset, target_, 1), Code::kOk);
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 2));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(2));
    ASSERT_TRUE(std::ranges::all_of(
        target_, [&](std::byte byte) { return byte == before || byte == value_in(round); }));
  }
}

TEST_P(OrderingTest, rule_6_a_put_is_seen_in_parts_but_never_as_anything_else) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    const std::byte before = value_in(round - 1);
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    bool all = false;
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    while (!all && now_ns() < until_ns) {
      all = true;
      for (std::size_t i = kDataOffset; i < kDataOffset + kDataBytes; ++i) {
        const std::byte byte = at(i);
        ASSERT_TRUE(byte == before || byte == value_in(round)) << round;
        all &= byte == value_in(round);
      }
    }
    ASSERT_TRUE(all);
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_EQ(at(kDataOffset - 1), std::byte{0});
    ASSERT_EQ(at(kDataOffset + kDataBytes), std::byte{0});
  }
}

TEST_P(OrderingTest, rule_7_a_flush_says_that_all_before_it_is_at_the_exporter) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    ASSERT_NO_FATAL_FAILURE(put_flag(window, value_in(round), 2));
    ASSERT_EQ(window.flush(3), Code::kOk);
    ASSERT_NO_FATAL_FAILURE(await_done(3));
    ASSERT_TRUE(all_are(kDataOffset, kDataBytes, value_in(round))) << round;
    ASSERT_EQ(at(kFlagOffset), value_in(round));
  }
}

TEST_P(OrderingTest, rule_8_a_completion_orders_one_window_before_another) {
  const Export exported = export_all();
  Window first = value_of(import_window("all"));
  Window second = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(put_data(first, value_in(round), 1));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_NO_FATAL_FAILURE(put_flag(second, value_in(round), 2));
    ASSERT_TRUE(await_byte(kFlagOffset, value_in(round))) << round;
    ASSERT_TRUE(all_are(kDataOffset, kDataBytes, value_in(round))) << round;
    ASSERT_NO_FATAL_FAILURE(expect_next_done(2));
  }
}

TEST_P(OrderingTest, rule_9_a_completion_orders_a_put_before_a_message) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  auto accepting = std::async(std::launch::async, [this] { return listener_.accept(kPatienceNs); });
  Endpoint sender = value_of(importer_.connect(host_ + ":" + std::to_string(listener_.port()), {}));
  Endpoint receiver = value_of(accepting.get());
  std::byte message{};
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    ASSERT_EQ(receiver.post_receive(std::span{&message, 1}, 3), Code::kOk);
    ASSERT_NO_FATAL_FAILURE(put_data(window, value_in(round), 1));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    Code sent = Code::kWouldBlock;  // until a credit comes for the receive
    while (sent == Code::kWouldBlock) {
      sent = sender.post_send(std::span{&flag_, 1}, 2);
      importer_.poll({});
    }
    ASSERT_EQ(sent, Code::kOk);
    const Completion received = next_completion(exporter_);
    ASSERT_EQ(received.cookie, 3U);
    ASSERT_TRUE(all_are(kDataOffset, kDataBytes, value_in(round))) << round;
    ASSERT_NO_FATAL_FAILURE(expect_next_done(2));
  }
}

TEST_P(OrderingTest, rule_10_a_get_sees_what_the_exporter_stored_before_it_was_posted) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  for (unsigned round = 1; round <= kLitmusRounds; ++round) {
    std::ranges::fill(memory_.memory().subspan(kDataOffset, kDataBytes), value_in(round));
    ASSERT_EQ(window.get(kDataOffset, target_, 1), Code::kOk);
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_EQ(std::ranges::count(target_, value_in(round)), std::ssize(target_)) << round;
  }
}

TEST_P(OrderingTest, rule_11_atomics_of_all_importers_exclude_each_other) {
  constexpr std::uint64_t kEach = 500;
  const Export exported = export_all("all", {.rights = {.atomics = true}});
  Window windows[] = {value_of(import_window("all")), value_of(import_window("all"))};
  std::uint64_t originals[2] = {};
  for (std::uint64_t i = 0; i < kEach; ++i) {
    ASSERT_EQ(windows[0].fetch_add(kFlagOffset, 1, originals[0], 1), Code::kOk);
    ASSERT_EQ(windows[1].fetch_add(kFlagOffset, 1, originals[1], 1), Code::kOk);
    // Those of the exporter's processors as well, on the soft NIC.
    if (GetParam().nic == NicChoice::kSoft) {
      std::atomic_ref{*reinterpret_cast<std::uint64_t*>(&memory_.memory()[kFlagOffset])}.fetch_add(
          1);
    }
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
    ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
  }
  const std::uint64_t all = (GetParam().nic == NicChoice::kSoft ? 3 : 2) * kEach;
  ASSERT_EQ(windows[0].fetch_add(kFlagOffset, 0, originals[0], 1), Code::kOk);
  ASSERT_NO_FATAL_FAILURE(expect_next_done(1));
  EXPECT_EQ(originals[0], all);
}

INSTANTIATE_TEST_SUITE_P(nics, OrderingTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
