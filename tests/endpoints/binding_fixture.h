// A window that memory of the importer is bound to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <gtest/gtest.h>

#include "mapwire/endpoints/binding.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire::testing {

inline constexpr std::size_t kPage = tlb::kPageBytes;
inline constexpr std::uint64_t kNeverNs = 1'000'000'000;  // longer than what is waited for

class BindingFixture : public WindowFixture {
 protected:
  Binding bind(const BindOptions& options = {.interval_ns = kNeverNs}) {
    return value_of(importer_.bind(local_.memory(), value_of(import_window("all")), options));
  }
  Code bind_ends(std::span<std::byte> memory, const BindOptions& options = {},
                 std::string_view name = "all") {
    const auto bound = importer_.bind(memory, value_of(import_window(name)), options);
    return bound ? Code::kOk : bound.error().code;
  }
  void expect_flushed(Binding& binding, std::uint64_t cookie = 1) {
    ASSERT_EQ(binding.flush(cookie), Code::kOk);
    const Completion done = next_completion(importer_);
    ASSERT_EQ(done.status, Code::kOk) << name(done.status);
    EXPECT_EQ(done.endpoint, binding.id());
    EXPECT_EQ(done.cookie, cookie);
  }
  void expect_memory_gone(Binding& binding) {
    ASSERT_EQ(binding.flush(1), Code::kOk);
    EXPECT_EQ(next_completion(importer_).status, Code::kFlushed);
    ASSERT_TRUE(binding.error());
    EXPECT_EQ(binding.error()->code, Code::kLocalProtection);
  }
  void store(std::size_t offset, std::uint64_t value) const {
    std::memcpy(&local_.memory()[offset], &value, sizeof(value));
  }
  std::uint64_t remote(std::size_t offset) const {
    std::uint64_t value = 0;
    std::memcpy(&value, &memory_.memory()[offset], sizeof(value));
    return value;
  }
  bool same() const { return std::ranges::equal(local_.memory(), first(memory_.memory())); }
  std::span<std::byte> first(std::span<std::byte> memory) const {
    return memory.first(local_.memory().size());
  }

  const Pages local_{8};
  const Export exported_ = export_all();
};

}  // namespace mapwire::testing
