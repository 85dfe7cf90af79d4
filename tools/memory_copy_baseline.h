// The limit of a stream through shared memory: what one CPU copies, as every byte is copied at
// least once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "tools/baseline.h"

namespace mapwire::tools {

class MemoryCopyBaseline final : public BandwidthBaseline {
 public:
  // Copies `bytes`, at least 1, again and again from one place to another.
  explicit MemoryCopyBaseline(std::size_t bytes) : source_(bytes), target_(bytes) {}

  std::string_view name() const override { return "memory_copy"; }
  std::expected<void, Error> measure(std::uint64_t duration_ns) override;

 private:
  std::vector<std::byte> source_;
  std::vector<std::byte> target_;
};

}  // namespace mapwire::tools
