// The limit of wires through shared memory: a word that two CPUs pass to and fro, in a cache line
// for each direction.
#pragma once

#include <atomic>

#include "tools/baseline.h"

namespace mapwire::tools {

class CacheLineBaseline : public LatencyBaseline {
 public:
  explicit CacheLineBaseline(int far_processor) : far_processor_{far_processor} {}
  std::string_view name() const override { return "cache_line_ping_pong"; }
  std::expected<void, Error> measure(std::uint64_t duration_ns) override;

 private:
  // A pair of lines each: the prefetcher fetches two at once.
  struct alignas(128) Word {
    std::atomic<std::uint64_t> value = 0;
  };

  [[nodiscard]] bool round_trip();
  void answer(std::uint64_t last);

  int far_processor_;
  std::uint64_t sequence_ = 0;  // the near end's
  Word there_;
  Word back_;
};

}  // namespace mapwire::tools
