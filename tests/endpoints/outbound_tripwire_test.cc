// Tripwires on what is imported, and what no tripwire can be set on.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/endpoints/tripwire_fixture.h"

namespace mapwire {
namespace {

using testing::next_completion;
using testing::value_of;

class TripwireTest : public testing::TripwireFixture {};

TEST_P(TripwireTest, what_is_not_in_the_buffer_is_refused) {
  make();
  constexpr std::uint64_t kAll = std::uint64_t{16} * tlb::kPageBytes;
  for (const auto& [offset, bytes] :
       {std::pair{std::uint64_t{0}, std::uint64_t{0}}, {0, kAll + 1}, {kAll, 1}, {UINT64_MAX, 2}}) {
    for (const auto& refused :
         {exported_->set_tripwire(offset, bytes), window_->set_tripwire(offset, bytes)}) {
      ASSERT_FALSE(refused) << offset << " " << bytes;
      EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
    }
  }
  const auto nothing = window_->set_tripwire(0, 8, {.reads = false, .writes = false});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Code::kInvalidArgument);
}

TEST_P(TripwireTest, there_are_not_more_than_allowed) {
  make();
  std::vector<Tripwire> wires;
  for (std::size_t i = 0; i < kTripwiresMax; ++i) {
    wires.push_back(value_of(window_->set_tripwire(i, 1)));
  }
  const auto refused = window_->set_tripwire(0, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kLimitReached);
  wires.pop_back();
  EXPECT_TRUE(window_->set_tripwire(0, 1));
}

class DeviceTripwireTest : public testing::TripwireFixture {};

TEST_P(DeviceTripwireTest, a_device_that_does_not_tell_says_so) {
  make();
  const auto refused = exported_->set_tripwire(0, 8);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotSupported);
}

TEST_P(TripwireTest, our_own_accesses_trip_those_of_the_window) {
  make();
  Tripwire writes = value_of(window_->set_tripwire(64, 8));
  Tripwire reads = value_of(window_->set_tripwire(64, 8, {.reads = true, .writes = false}));
  writes.arm(10);
  reads.arm(11);
  std::array<Completion, 2> done;
  const auto expect_trips = [&](std::uint64_t cookie) {
    bool tripped = false;
    for (int i = 0; i < 2; ++i) {
      const Completion one = next_completion(importer_);
      EXPECT_EQ(one.status, Code::kOk) << name(one.status);
      if (one.operation != Operation::kTripwire) continue;
      EXPECT_EQ(one.cookie, cookie);
      tripped = true;
    }
    EXPECT_TRUE(tripped);
  };
  put(0, 64);
  put(72, 64);
  ASSERT_EQ(window_->put(71, std::span{source_}.first(1), 1), Code::kOk);
  expect_trips(10);
  std::array<std::byte, 1> target{};
  ASSERT_EQ(window_->get(64, target, 2), Code::kOk);
  expect_trips(11);
  ASSERT_EQ(window_->flush(3), Code::kOk);
  expect_done(*window_, 3);
  writes.arm(12);
  std::uint64_t original = 0;
  ASSERT_EQ(window_->compare_swap(64, 0, 1, original, 4), Code::kOk);
  expect_trips(12);
  EXPECT_EQ(importer_.poll(done), 0U);
  writes.arm(13);
  ASSERT_EQ(window_->put_notify(64, std::span{source_}.first(1), 1, 5), Code::kOk);
  expect_trips(13);
}

TEST_P(TripwireTest, a_binding_trips_those_of_its_window) {
  exported_.emplace(export_all("all"));
  window_.emplace(value_of(import_window("all")));
  Tripwire wire = value_of(window_->set_tripwire(4096, 4096));
  wire.arm(9);
  const testing::Pages pages{2};
  const Binding binding = value_of(importer_.bind(pages.memory(), std::move(*window_)));
  pages.memory()[5000] = std::byte{1};
  expect_trip(importer_, 9);
}

INSTANTIATE_TEST_SUITE_P(Nics, DeviceTripwireTest, ::testing::Values(testing::kVerbsWindow),
                         testing::column_name);
INSTANTIATE_TEST_SUITE_P(Nics, TripwireTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
