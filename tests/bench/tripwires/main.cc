// usage: tripwires
//
// What tripwires cost the puts that touch none: the time of puts of 8 bytes to an export without
// any, and to one of the same memory with 10,000 that are armed, in turns; and of puts that touch
// wires which have tripped. Ends with status 1 if the wires cost the others 2 % or more.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/tripwire.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/runtime/clock.h"
#include "tests/test_program.h"

namespace {

using namespace mapwire;

constexpr std::size_t kWires = 10'000;
constexpr std::size_t kBufferBytes = std::size_t{4} << 20;
constexpr std::size_t kWordBytes = 8;
// Wires are on one word in so many.
constexpr std::size_t kWordsApart = kBufferBytes / kWordBytes / kWires;
constexpr std::uint32_t kEntries = 64;
constexpr std::size_t kPuts = 20'000;
constexpr int kRounds = 301;
constexpr double kCostMax = 0.02;

// Both sides in this thread, so that whatever the exporter's side does is in the time.
class Putter {
 public:
  Putter(Context& exporter, Context& importer) : exporter_{exporter}, importer_{importer} {}

  // Puts to these words of the window, again and again; ns of one.
  double run(Window& window, std::span<const std::size_t> offsets) {
    const std::uint64_t start_ns = now_ns();
    for (std::size_t i = 0; i < kPuts; ++i) {
      while (window.put(offsets[i % offsets.size()], source_, 0) != Code::kOk) take();
      ++outstanding_;
    }
    while (outstanding_ != 0) take();
    return static_cast<double>(now_ns() - start_ns) / static_cast<double>(kPuts);
  }

 private:
  void take() {
    std::array<Completion, kEntries> done;
    exporter_.poll(done);
    const std::size_t count = importer_.poll(done);
    for (const Completion& one : std::span{done}.first(count)) {
      if (one.status != Code::kOk) fail("a put: " + std::string{name(one.status)});
    }
    outstanding_ -= count;
  }

  Context& exporter_;
  Context& importer_;
  const std::vector<std::byte> source_ = std::vector<std::byte>(kWordBytes, std::byte{1});
  std::size_t outstanding_ = 0;
};

std::vector<std::size_t> wired_words() {
  std::vector<std::size_t> words(kWires);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = i * kWordsApart * kWordBytes;
  return words;
}

// Anywhere, beside a wire too, but not on one.
std::vector<std::size_t> other_words() {
  std::mt19937_64 random{1};
  std::vector<std::size_t> words;
  while (words.size() < 65536) {
    const std::size_t word = random() % (kBufferBytes / kWordBytes);
    if (word % kWordsApart != 0) words.push_back(word * kWordBytes);
  }
  return words;
}

std::vector<Tripwire> hang(Export& exported, std::span<const std::size_t> words) {
  std::vector<Tripwire> wires;
  for (const std::size_t word : words) {
    wires.push_back(value_of(exported.set_tripwire(word, kWordBytes)));
    wires.back().arm(word);
  }
  return wires;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

int main() {
  Context exporter = value_of(Context::create());
  Context importer = value_of(Context::create());
  const Listener listener = value_of(exporter.listen({.address = "127.0.0.1:0"}));
  const std::string address = listener.addresses().front();
  const MemoryRegion memory = value_of(exporter.allocate(kBufferBytes));
  const Export bare_export = value_of(exporter.export_buffer("bare", memory.memory()));
  Export wired_export = value_of(exporter.export_buffer("wired", memory.memory()));
  Window bare_window = value_of(importer.import_buffer(address + "/bare"));
  Window wired_window = value_of(importer.import_buffer(address + "/wired"));
  const auto wire_words = wired_words();
  const auto words = other_words();
  const auto wires = hang(wired_export, wire_words);

  Putter putter{exporter, importer};
  std::vector<double> bare_ns;
  std::vector<double> wired_ns;
  std::vector<double> costs;
  for (int round = 0; round < kRounds; ++round) {
    // Who comes first may find the processor in another mood.
    if (round % 2 == 0) bare_ns.push_back(putter.run(bare_window, words));
    wired_ns.push_back(putter.run(wired_window, words));
    if (round % 2 != 0) bare_ns.push_back(putter.run(bare_window, words));
    costs.push_back(wired_ns.back() / bare_ns.back() - 1);
  }
  putter.run(wired_window, wire_words);
  const double tripped_ns = putter.run(wired_window, wire_words);

  const double cost = median(costs);
  std::printf(
      "put of %zu B: %.0f ns without tripwires, %.0f ns beside %zu armed: %+.1f %% (below "
      "%.0f)\n",
      kWordBytes, median(bare_ns), median(wired_ns), kWires, cost * 100, kCostMax * 100);
  std::printf("put to one that has tripped: %.0f ns\n", tripped_ns);
  return cost < kCostMax ? EXIT_SUCCESS : EXIT_FAILURE;
}
