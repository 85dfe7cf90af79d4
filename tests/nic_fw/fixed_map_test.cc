#include "mapwire/nic_fw/fixed_map.h"

#include <cstdint>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

TEST(FixedMap, finds_what_was_inserted_and_nothing_else) {
  FixedMap map{4};
  map.insert(7, 70);
  EXPECT_EQ(map.find(7), 70U);
  EXPECT_FALSE(map.find(8));
  map.erase(7);
  EXPECT_FALSE(map.find(7));
}

TEST(FixedMap, agrees_with_a_map_over_many_changes) {
  constexpr std::uint32_t kEntries = 32;
  FixedMap map{kEntries};
  std::map<std::uint32_t, std::uint32_t> model;
  std::mt19937 random{1};
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    const std::uint32_t key = 1 + static_cast<std::uint32_t>(random() % 100);
    if (model.contains(key)) {
      map.erase(key);
      model.erase(key);
    } else if (model.size() < kEntries) {
      map.insert(key, step);
      model[key] = step;
    }
    const std::uint32_t probe = 1 + static_cast<std::uint32_t>(random() % 100);
    ASSERT_EQ(map.find(probe).has_value(), model.contains(probe)) << "step " << step;
    if (model.contains(probe)) {
      ASSERT_EQ(map.find(probe), model[probe]) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace mapwire::nic_fw
