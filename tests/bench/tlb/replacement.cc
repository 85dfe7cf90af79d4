// Which replacement to use: look-ups of a trace of buffers, more than may be pinned, by both. The
// trace is made by a seed: a skewed choice, as of keys in a store, through which a scan of buffers
// that are used twice and never again goes now and then.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "mapwire/tlb/tlb.h"
#include "tests/tlb/pages.h"
#include "tests/tlb/region_nic.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;

constexpr std::size_t kTracedPages = 4;
constexpr std::size_t kTraced = 2'000;
constexpr std::size_t kRoom = 500;         // of them
constexpr std::size_t kScanEvery = 4'000;  // look-ups
constexpr std::size_t kScanned = 250;
constexpr std::size_t kLookUps = 100'000;

// Zipf's law with the exponent that YCSB uses.
std::vector<std::size_t> make_trace() {
  std::vector<double> weights;
  for (std::size_t rank = 1; rank <= kTraced; ++rank) {
    weights.push_back(1 / std::pow(static_cast<double>(rank), 0.99));
  }
  std::discrete_distribution<std::size_t> skewed{weights.begin(), weights.end()};
  std::mt19937 random{1};
  std::vector<std::size_t> trace;
  std::size_t scan = kTraced;
  while (trace.size() < kLookUps) {
    if (trace.size() % kScanEvery < 2 * kScanned) {
      trace.insert(trace.end(), 2, scan++);
    } else {
      trace.push_back(skewed(random));
    }
  }
  return trace;
}

void look_ups(benchmark::State& state, Policy policy) {
  const std::vector<std::size_t> trace = make_trace();
  const Pages pages{(*std::ranges::max_element(trace) + 1) * (kTracedPages + 1)};
  std::uint64_t found = 0;
  std::uint64_t looked = 0;
  for ([[maybe_unused]] auto _ : state) {
    testing::RegionNic nic;
    Tlb tlb{nic, 1, {.limits = {.bytes = kRoom * kTracedPages * kPageBytes}, .policy = policy}, {}};
    if (!tlb.not_kept_reason().empty()) std::abort();
    for (const std::size_t buffer : trace) {
      const std::size_t regions = nic.registered();
      const auto one =
          tlb.translate(pages.page(buffer * (kTracedPages + 1), kTracedPages), Use::kSend);
      if (!one) std::abort();
      tlb.release(one->id);
      found += nic.registered() == regions ? 1U : 0U;
    }
    looked += trace.size();
  }
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(looked);
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(looked), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void clock(benchmark::State& state) { look_ups(state, Policy::kClock); }
void lru(benchmark::State& state) { look_ups(state, Policy::kLru); }

BENCHMARK(clock)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(lru)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mapwire::tlb
