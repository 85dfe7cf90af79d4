#include "mapwire/nic_fw/random_source.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"

namespace mapwire::nic_fw {
namespace {

std::unique_ptr<Nic> nic_of_seed(std::uint64_t seed) {
  auto wire = make_udp_wire({}, nullptr);
  auto nic = make_soft_nic({.queue_pairs_max = 4, .completion_entries = 64, .seed = seed},
                           std::move(*wire), nullptr);
  EXPECT_TRUE(nic) << nic.error().message;
  return std::move(*nic);
}

// The key that a peer would be told of the first region.
std::uint32_t first_rkey(std::uint64_t seed) {
  std::array<std::byte, 8> memory{};
  return nic_of_seed(seed)->register_memory(memory, {.remote_read = true}, 1)->rkey;
}

TEST(RandomSource, the_system_does_not_repeat_itself) {
  std::set<std::uint64_t> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(draw_system_random());
  EXPECT_EQ(drawn.size(), 1000U);
}

TEST(RandomSource, a_soft_nic_without_a_seed_draws_from_the_system) {
  std::set<std::uint32_t> keys;
  for (int i = 0; i < 4; ++i) keys.insert(first_rkey(0));
  EXPECT_GE(keys.size(), 3U);  // two of four are alike once in 700 million times
}

TEST(RandomSource, a_soft_nic_with_a_seed_repeats_itself) {
  EXPECT_EQ(first_rkey(7), first_rkey(7));
  EXPECT_NE(first_rkey(7), first_rkey(8));
}

}  // namespace
}  // namespace mapwire::nic_fw
