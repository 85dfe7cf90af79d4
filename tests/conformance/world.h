// Two NICs that reach each other, and the time they live in: what a kind of NIC brings to the
// conformance suite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::conformance {

class World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World() = default;

  // `side` is 0 or 1.
  virtual Nic& nic(std::size_t side) = 0;
  virtual proto::IpAddress address(std::size_t side) const = 0;

  // What connected queue pairs are on.
  virtual std::string_view wire() { return nic(0).attributes().wire; }

  virtual std::uint64_t now_ns() const = 0;
  // Sleeps like a program that waits for both NICs: until an event descriptor is readable, a
  // deadline of a NIC is reached or `until_ns` has come. So the whole suite shows that a caller who
  // sleeps misses nothing.
  virtual void wait(std::uint64_t until_ns) = 0;
};

// A column of the suite: every test runs in each.
struct Column {
  std::string name;
  // A fresh world, or why this machine has none: the tests are skipped, or fail where the
  // environment has MAPWIRE_TEST_REQUIRE_ALL_COLUMNS.
  std::function<std::expected<std::unique_ptr<World>, std::string>()> make;
  friend std::ostream& operator<<(std::ostream& out, const Column& column) {
    return out << column.name;
  }
};

std::expected<std::unique_ptr<World>, std::string> make_soft_udp_world(
    const proto::IpAddress& address);
std::expected<std::unique_ptr<World>, std::string> make_soft_shm_world();
std::expected<std::unique_ptr<World>, std::string> make_soft_sim_world();
std::expected<std::unique_ptr<World>, std::string> make_verbs_world();

std::vector<Column> columns();

}  // namespace mapwire::conformance
