// A block of counters of this process.
#pragma once

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "mapwire/runtime/counters.h"

namespace mapwire::testing {

inline std::unique_ptr<CounterBlock> make_counter_block() {
  auto block = CounterBlock::create();
  EXPECT_TRUE(block.has_value()) << block.error().message;
  return std::move(*block);
}

}  // namespace mapwire::testing
