// A buffer that is exported for tripwires, and its importer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/tripwire.h"
#include "mapwire/endpoints/window.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire::testing {

class TripwireFixture : public WindowFixture {
 protected:
  void make() {
    exported_.emplace(export_all("all", {.rights = {.atomics = true}, .tripwires = true}));
    window_.emplace(value_of(import_window("all")));
    await_imports(*exported_, 1);
  }
  void put(std::uint64_t offset, std::size_t bytes = 1) {
    ASSERT_EQ(window_->put(offset, std::span{source_}.first(bytes), 1), Code::kOk);
    expect_done(*window_, 1);
  }
  void put_word(std::uint64_t value) {
    const auto bytes = std::as_bytes(std::span{&value, 1});
    while (window_->put(0, bytes, value) != Code::kOk) importer_.poll({});
    expect_done(*window_, value);
  }
  // What the importer's completion does not promise: that the exporter was told.
  static void expect_trip(Context& context, std::uint64_t cookie) {
    const Completion told = next_completion(context);
    EXPECT_EQ(told.operation, Operation::kTripwire);
    EXPECT_EQ(told.status, Code::kOk) << name(told.status);
    EXPECT_EQ(told.cookie, cookie);
    EXPECT_EQ(told.endpoint, 0U);
  }
  static void expect_silence(Context& context) {
    Completion none;
    EXPECT_EQ(context.poll({&none, 1}), 0U);
  }

  const std::vector<std::byte> source_ = pattern(65536, 1);
  std::optional<Export> exported_;
  std::optional<Window> window_;
};

}  // namespace mapwire::testing
