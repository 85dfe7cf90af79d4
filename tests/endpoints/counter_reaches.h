// Waits for what only counters tell.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <thread>

#include "mapwire/runtime/counters.h"
#include "tests/endpoints/pair.h"

namespace mapwire::testing {

// Waits until a counter of this process, its contexts taken together, has grown to `value`.
inline ::testing::AssertionResult counter_reaches(std::string_view name, std::uint64_t value) {
  std::uint64_t last = 0;
  for (int i = 0; i < 6000; ++i) {
    for (const CounterValue& counter : value_of(CounterBlock::read(getpid()))) {
      if (counter.name == name) last = counter.value;
    }
    if (last >= value) return ::testing::AssertionSuccess();
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return ::testing::AssertionFailure() << name << " is " << last;
}

}  // namespace mapwire::testing
