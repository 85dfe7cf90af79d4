// What the TLB costs: looking up what is kept, beside the bare system call that verifies it, and
// unmapping memory that is kept beside memory that is not. The NIC does nothing.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "mapwire/tlb/tlb.h"
#include "mapwire/tlb/user_fault.h"
#include "tests/tlb/pages.h"
#include "tests/tlb/region_nic.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;

constexpr std::size_t kBufferPages = 4;
constexpr std::size_t kEntriesMax = 8000;

// So many buffers, each a translation that is kept. A page lies between two: they are apart.
class Buffers {
 public:
  Buffers(std::size_t count, bool verify) : pages_{count * (kBufferPages + 1)} {
    TlbOptions options;
    options.verify = verify;
    tlb_.emplace(nic_, 1, options, TlbCounters{});
    if (!tlb_->not_kept_reason().empty()) std::abort();
    std::mt19937 random{1};
    for (std::size_t i = 0; i < count; ++i) {
      buffers_.push_back(pages_.page(i * (kBufferPages + 1), kBufferPages));
    }
    while (tlb_->kept() < count) {
      for (const auto buffer : buffers_) use(buffer);
    }
    std::ranges::shuffle(buffers_, random);
  }

  void use(std::span<const std::byte> buffer) {
    const auto translation = tlb_->translate(buffer, Use::kSend);
    if (!translation) std::abort();
    benchmark::DoNotOptimize(translation->lkey);
    tlb_->release(translation->id);
  }
  const std::vector<std::span<std::byte>>& buffers() const { return buffers_; }

 private:
  Pages pages_;
  testing::RegionNic nic_;
  std::optional<Tlb> tlb_;
  std::vector<std::span<std::byte>> buffers_;
};

void hit(benchmark::State& state, bool verify) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Buffers buffers{count, verify};
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    buffers.use(buffers.buffers()[next]);
    if (++next == count) next = 0;
  }
}

void unverified(benchmark::State& state) { hit(state, false); }
void verified(benchmark::State& state) { hit(state, true); }

void bare_ioctl(benchmark::State& state) {
  const Pages pages{kBufferPages};
  const auto fault = UserFault::open();
  if (!fault || fault->watch(pages.range()) != 0) std::abort();
  for ([[maybe_unused]] auto _ : state) {
    if (fault->probe(pages.range()) != Probe::kWatched) std::abort();
  }
}

void unmap(benchmark::State& state, bool kept) {
  testing::RegionNic nic;
  Tlb tlb{nic, 1, {}, {}};
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto pages = std::make_unique<Pages>(kBufferPages);
    std::ranges::fill(pages->memory(), std::byte{1});
    for (int i = 0; kept && i < 2; ++i) {
      if (const auto one = tlb.translate(pages->memory(), Use::kSend)) tlb.release(one->id);
    }
    state.ResumeTiming();
    pages.reset();
    state.PauseTiming();
    if (tlb.wants_reaping()) tlb.reap();
    state.ResumeTiming();
  }
}

void unmap_kept(benchmark::State& state) { unmap(state, true); }
void unmap_other(benchmark::State& state) { unmap(state, false); }

BENCHMARK(unverified)->Arg(1)->Arg(100)->Arg(1000)->Arg(kEntriesMax);
BENCHMARK(verified)->Arg(1)->Arg(100)->Arg(1000)->Arg(kEntriesMax);
BENCHMARK(bare_ioctl);
BENCHMARK(unmap_kept)->Iterations(2000);
BENCHMARK(unmap_other)->Iterations(2000);

}  // namespace
}  // namespace mapwire::tlb

BENCHMARK_MAIN();
