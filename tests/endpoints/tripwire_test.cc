// Tripwires on what is exported. MAPWIRE_TEST_TRIPS says how often one is armed.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/execute_atomic.h"
#include "tests/endpoints/tripwire_fixture.h"
#include "tests/environment.h"

namespace mapwire {
namespace {

using testing::next_completion;
using testing::value_of;

constexpr std::uint64_t kWordBytes = 8;

class InboundTripwireTest : public testing::TripwireFixture {};

TEST_P(InboundTripwireTest, a_put_trips_what_it_touches_when_its_bytes_are_there) {
  make();
  Tripwire wire = value_of(exported_->set_tripwire(5000, 16));
  for (const auto& [offset, bytes] : {std::pair{4999U, 2U}, {5015U, 1U}, {0U, 65536U}}) {
    wire.arm(offset);
    put(4999, 1);
    put(5016, 100);
    expect_silence(exporter_);
    put(offset, bytes);
    expect_trip(exporter_, offset);
    EXPECT_EQ(std::memcmp(&memory_.memory()[offset], source_.data(), bytes > 8 ? 5016 : bytes), 0);
  }
}

TEST_P(InboundTripwireTest, trips_once_until_it_is_armed_again) {
  make();
  Tripwire wire = value_of(exported_->set_tripwire(0, 8));
  put(0);
  expect_silence(exporter_);
  wire.arm(1);
  for (int i = 0; i < 10; ++i) put(0);
  expect_trip(exporter_, 1);
  expect_silence(exporter_);
  EXPECT_FALSE(wire.arm(2));
  expect_silence(exporter_);
  put(7);
  expect_trip(exporter_, 2);
}

TEST_P(InboundTripwireTest, what_was_not_told_is_withdrawn) {
  make();
  Tripwire wire = value_of(exported_->set_tripwire(0, 8));
  wire.arm(1);
  put(0);
  EXPECT_TRUE(wire.arm(2));
  expect_silence(exporter_);
  put(0);
  EXPECT_TRUE(wire.disarm());
  EXPECT_FALSE(wire.disarm());
  put(0);
  expect_silence(exporter_);
  wire.arm(3);
  put(0);
  {
    const Tripwire gone = std::move(wire);
  }
  expect_silence(exporter_);
}

TEST_P(InboundTripwireTest, reads_and_atomics_trip_it_too) {
  make();
  Tripwire reads = value_of(exported_->set_tripwire(64, 64, {.reads = true, .writes = false}));
  Tripwire writes = value_of(exported_->set_tripwire(64, 64));
  reads.arm(1);
  writes.arm(2);
  std::array<std::byte, 200> target{};
  ASSERT_EQ(window_->get(0, target, 7), Code::kOk);
  expect_done(*window_, 7);
  expect_trip(exporter_, 1);
  put(100);
  expect_trip(exporter_, 2);
  std::uint64_t original = 0;
  reads.arm(3);
  writes.arm(4);
  ASSERT_EQ(window_->fetch_add(72, 1, original, 8), Code::kOk);
  expect_done(*window_, 8);
  std::array<Completion, 2> told;
  ASSERT_EQ(exporter_.poll(told), 2U);
  EXPECT_EQ(told[0].cookie + told[1].cookie, 7U);
}

TEST_P(InboundTripwireTest, many_wires_trip_one_by_one) {
  make();
  std::vector<Tripwire> wires;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    wires.push_back(value_of(exported_->set_tripwire(i * 64, 8)));
    wires.back().arm(i);
  }
  put(64 * 10, 64 * 3);
  for (std::uint64_t i = 10; i < 13; ++i) expect_trip(exporter_, i);
  expect_silence(exporter_);
  put(0, 64 * 1000);
  std::uint64_t sum = 0;
  std::array<Completion, 7> told;  // fewer at once than there are
  for (std::size_t count = 0; (count = exporter_.poll(told)) != 0;) {
    for (const Completion& one : std::span{told}.first(count)) sum += one.cookie;
  }
  EXPECT_EQ(sum, 999U * 1000 / 2 - (10 + 11 + 12));
}

TEST_P(InboundTripwireTest, a_sleeper_wakes) {
  make();
  Tripwire wire = value_of(exported_->set_tripwire(0, 8));
  for (std::uint64_t round = 0; round < 20; ++round) {
    wire.arm(round);
    std::jthread waker{[&] {
      std::this_thread::sleep_for(std::chrono::milliseconds{round});
      put(0);
    }};
    expect_trip(exporter_, round);
  }
}

// Arm, look, wait: whatever the importer puts is either seen or told of.
TEST_P(InboundTripwireTest, no_put_is_missed) {
  make();
  const std::uint64_t trips = testing::number_from("MAPWIRE_TEST_TRIPS", 2000);
  const std::uint64_t seed = testing::number_from("MAPWIRE_TEST_SEED", now_ns());
  SCOPED_TRACE("again with MAPWIRE_TEST_SEED=" + std::to_string(seed));
  std::atomic<std::uint64_t> seen = 0;
  std::jthread importer{[&](const std::stop_token& stop) {
    std::mt19937_64 random{seed};
    for (std::uint64_t value = 1; value <= trips && !stop.stop_requested(); ++value) {
      while (seen.load() != value - 1 && !stop.stop_requested()) importer_.poll({});
      for (std::uint64_t pause = random() % 512; pause != 0; --pause) importer_.event_fd();
      put_word(value);
    }
  }};
  Tripwire wire = value_of(exported_->set_tripwire(0, kWordBytes));
  const auto word = word_at(reinterpret_cast<std::uint64_t>(memory_.memory().data()));
  std::uint64_t waits = 0;
  for (std::uint64_t value = 0; value != trips;) {
    wire.arm(value);
    if (word.load() == value) {
      ++waits;
      const Completion told = next_completion(exporter_, 10 * testing::kSecondNs);
      ASSERT_EQ(told.status, Code::kOk) << "after " << value << " trips one was missed";
      ASSERT_EQ(told.cookie, value);
    }
    ASSERT_EQ(word.load(), ++value);
    seen.store(value);
  }
  RecordProperty("waits", std::to_string(waits));
}

TEST_P(InboundTripwireTest, outlives_all_that_it_hung_on) {
  make();
  Tripwire wire = value_of(exported_->set_tripwire(0, 8));
  wire.arm(1);
  put(0);
  exported_.reset();
  expect_trip(exporter_, 1);
  wire.arm(2);
  expect_silence(exporter_);
  {
    const Context gone = std::move(exporter_);
  }
  EXPECT_FALSE(wire.arm(3));
  EXPECT_FALSE(wire.disarm());
}

class MappedWindowTripwireTest : public testing::TripwireFixture {};

TEST_P(MappedWindowTripwireTest, what_nobody_would_see_is_refused) {
  Export exported = export_all("mapped");
  const auto refused = exported.set_tripwire(0, 8);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("ExportOptions::tripwires"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Nics, MappedWindowTripwireTest,
                         ::testing::Values(testing::kMappableWindow), testing::column_name);

INSTANTIATE_TEST_SUITE_P(Nics, InboundTripwireTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
