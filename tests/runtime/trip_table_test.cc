#include "mapwire/runtime/trip_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/runtime/clock.h"
#include "tests/environment.h"

namespace mapwire {
namespace {

class TripTableTest : public ::testing::Test {
 protected:
  // The cookies of the wires that an access has tripped.
  std::set<std::uint64_t> touch(std::uint64_t address, std::uint64_t bytes,
                                std::uint8_t kinds = kTouchWrite) {
    tripped_.clear();
    table_.touch(address, bytes, kinds);
    return tripped_;
  }

  std::set<std::uint64_t> tripped_;
  TripTable table_{[this](TripWire& wire) {
    EXPECT_FALSE(wire.armed);
    EXPECT_TRUE(tripped_.insert(wire.cookie).second);
  }};
};

using Cookies = std::set<std::uint64_t>;

TEST_F(TripTableTest, an_access_trips_the_wires_that_it_touches_and_no_others) {
  TripWire left{.address = 100, .bytes = 8, .armed = true, .cookie = 1};
  TripWire right{.address = 108, .bytes = 1, .armed = true, .cookie = 2};
  table_.add(left);
  table_.add(right);
  EXPECT_EQ(touch(99, 1), Cookies{});
  EXPECT_EQ(touch(109, 100), Cookies{});
  EXPECT_EQ(touch(103, 0), Cookies{});
  EXPECT_EQ(touch(99, 2), Cookies{1});
  EXPECT_EQ(touch(0, 4096), Cookies{2});
  EXPECT_EQ(touch(0, 4096), Cookies{});
  table_.remove(left);
  table_.remove(right);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(TripTableTest, a_wire_is_for_reads_or_writes_or_both) {
  std::array<TripWire, 3> wires{};
  constexpr std::array<std::uint8_t, 3> kKinds{kTouchRead, kTouchWrite, kTouchRead | kTouchWrite};
  const auto arm = [&] {
    for (TripWire& wire : wires) wire.armed = true;
  };
  for (std::size_t i = 0; i < wires.size(); ++i) {
    wires[i] = {.address = 64, .bytes = 8, .kinds = kKinds[i], .cookie = i};
    table_.add(wires[i]);
  }
  EXPECT_EQ(touch(64, 8, kTouchRead | kTouchWrite), Cookies{}) << "none is armed";
  arm();
  EXPECT_EQ(touch(64, 8, kTouchRead), (Cookies{0, 2}));
  arm();
  EXPECT_EQ(touch(64, 8, kTouchWrite), (Cookies{1, 2}));
  arm();
  EXPECT_EQ(touch(64, 8, kTouchRead | kTouchWrite), (Cookies{0, 1, 2}));
}

TEST_F(TripTableTest, grains_far_away_that_share_a_bit_do_not_share_a_wire) {
  constexpr std::uint64_t kApart = std::uint64_t{16} << 20;
  TripWire wire{.address = kApart, .bytes = 64, .armed = true, .cookie = 1};
  table_.add(wire);
  EXPECT_EQ(touch(0, 64), Cookies{});
  EXPECT_EQ(touch(2 * kApart, 64), Cookies{});
  EXPECT_EQ(touch(0, 3 * kApart), Cookies{1});
}

TEST_F(TripTableTest, a_range_may_be_all_that_there_is) {
  TripWire all{.address = 0, .bytes = UINT64_MAX, .armed = true, .cookie = 1};
  TripWire last{.address = UINT64_MAX, .bytes = 1, .armed = true, .cookie = 2};
  table_.add(all);
  table_.add(last);
  EXPECT_EQ(touch(UINT64_MAX - 1, 2), (Cookies{1, 2}));
  all.armed = last.armed = true;
  EXPECT_EQ(touch(UINT64_MAX, 1), Cookies{2});
  EXPECT_EQ(touch(0, 1), Cookies{1});
}

// Against a list of wires that is looked through from end to end.
class TripTableModel : public TripTableTest {
 protected:
  void add() {
    auto wire =
        std::make_unique<TripWire>(TripWire{.address = address(),
                                            .bytes = length(),
                                            .kinds = static_cast<std::uint8_t>(1 + random_() % 3),
                                            .cookie = ++added_});
    table_.add(*wire);
    wires_.push_back(std::move(wire));
  }
  void remove() {
    const std::size_t which = random_() % wires_.size();
    table_.remove(*wires_[which]);
    wires_.erase(wires_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  void expect_touch() {
    for (const auto& wire : wires_) wire->armed |= random_() % 2 == 0;
    const std::uint64_t begin = address();
    const std::uint64_t bytes = length();
    const auto kinds = static_cast<std::uint8_t>(1 + random_() % 3);
    Cookies expected;
    for (const auto& wire : wires_) {
      const bool overlaps = wire->address < begin + bytes && begin < wire->address + wire->bytes;
      if (wire->armed && (wire->kinds & kinds) != 0 && overlaps) expected.insert(wire->cookie);
    }
    ASSERT_EQ(touch(begin, bytes, kinds), expected);
  }
  std::size_t wires() const { return wires_.size(); }
  std::uint64_t choice() { return random_() % 8; }

  const std::uint64_t seed_ = testing::number_from("MAPWIRE_TEST_SEED", now_ns());

 private:
  std::uint64_t address() { return random_() % (std::uint64_t{1} << (random_() % 28)); }
  std::uint64_t length() { return 1 + random_() % (std::uint64_t{1} << (random_() % 26)); }

  std::mt19937_64 random_{seed_};
  std::vector<std::unique_ptr<TripWire>> wires_;
  std::uint64_t added_ = 0;
};

TEST_F(TripTableModel, does_what_a_list_would_do) {
  SCOPED_TRACE("again with MAPWIRE_TEST_SEED=" + std::to_string(seed_));
  for (int step = 0; step < 20'000 && !HasFatalFailure(); ++step) {
    const std::uint64_t what = choice();
    if (what == 0 && wires() < 200) add();
    if (what == 1 && wires() > 0) remove();
    if (what > 1) expect_touch();
  }
  EXPECT_EQ(table_.size(), wires());
}

}  // namespace
}  // namespace mapwire
