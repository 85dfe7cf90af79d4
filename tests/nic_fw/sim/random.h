// The randomness of a simulation: everything follows from the seed, on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>

namespace mapwire::nic_fw::sim {

// std::mt19937_64 is the same everywhere, the distributions of the library are not: hence these.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_{seed} {}

  std::uint64_t next() { return engine_(); }
  // 0..bound-1. Precondition: bound > 0.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  // first..last, both included.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) {
    return first + below(last - first + 1);
  }
  bool percent(std::uint64_t chance) { return below(100) < chance; }
  double fraction(double first, double last) {
    return first + (last - first) * static_cast<double>(below(1'000'000)) / 1e6;
  }
  // One of the given.
  std::uint64_t pick(std::initializer_list<std::uint64_t> values) {
    return values.begin()[below(values.size())];
  }
  std::uint32_t pick_u32(std::initializer_list<std::uint32_t> values) {
    return values.begin()[below(values.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace mapwire::nic_fw::sim
