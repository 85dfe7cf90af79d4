// usage: windows [GIGABYTES [PUTS [ADDRESS]]]
//
// Exports GIGABYTES (700) of reserved addresses, imports them over ADDRESS (127.0.0.1) and puts
// PUTS (100,000) times 4 KiB at random places. On a device with MAPWIRE_PIN_BUDGET=64M. Prints what
// the export took and what is pinned before, at most meanwhile and after. Ends with status 1 if the
// export took 10 ms or more, or 64 MiB were exceeded.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/runtime/clock.h"
#include "tests/test_program.h"

namespace {

using namespace mapwire;

constexpr std::uint64_t kExportNsMax = 10'000'000;
constexpr std::uint64_t kPinnedBytesMax = std::uint64_t{64} << 20;
constexpr std::size_t kPutBytes = 4096;
constexpr std::uint64_t kPutsPerLook = 1000;
constexpr std::uint32_t kEntries = 64;
constexpr std::uint64_t kNumberMax = 1'000'000'000;

std::uint64_t number(int count, char** arguments, int index, std::uint64_t otherwise) {
  if (index >= count) return otherwise;
  const std::string_view text = arguments[index];
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value == 0 ||
      value > kNumberMax) {
    fail("'" + std::string{text} + "' is no number from 1 to " + std::to_string(kNumberMax) +
         "; give GIGABYTES, PUTS and ADDRESS");
  }
  return value;
}

// Pages that the process has pinned or locked.
std::uint64_t pinned_bytes() {
  std::ifstream status{"/proc/self/status"};
  std::uint64_t kilobytes = 0;
  for (std::string word; status >> word;) {
    std::uint64_t some = 0;
    if ((word == "VmPin:" || word == "VmLck:") && status >> some) kilobytes += some;
  }
  return kilobytes * 1024;
}

std::span<std::byte> reserve(std::size_t bytes) {
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) fail("mmap: so many addresses can not be reserved");
  // Or each first touch would fill 2 MiB, which no machine has for so many.
  ::madvise(mapped, bytes, MADV_NOHUGEPAGE);
  return {static_cast<std::byte*>(mapped), bytes};
}

class Putter {
 public:
  Putter(Context& importer, Window& window) : importer_{importer}, window_{window} {}

  void put(std::uint64_t offset) {
    while (window_.put(offset, source_, 0) != Code::kOk) take();
    ++outstanding_;
  }
  void drain() {
    while (outstanding_ != 0) take();
  }

 private:
  void take() {
    std::array<Completion, kEntries> done;
    const std::size_t count = importer_.wait(done, UINT64_MAX);
    for (const Completion& one : std::span{done}.first(count)) {
      if (one.status != Code::kOk) fail("a put: " + std::string{name(one.status)});
    }
    outstanding_ -= count;
  }

  Context& importer_;
  Window& window_;
  std::vector<std::byte> source_ = std::vector<std::byte>(kPutBytes, std::byte{1});
  std::size_t outstanding_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  const std::size_t bytes = number(count, arguments, 1, 700) * 1'000'000'000;
  const std::uint64_t puts = number(count, arguments, 2, 100'000);
  const std::string address = std::string{count > 3 ? arguments[3] : "127.0.0.1"} + ":0";
  Context exporter = value_of(Context::create({.address = address}));
  Context importer = value_of(Context::create({.address = address}));
  const Listener listener = value_of(exporter.listen({.address = address}));
  const std::span<std::byte> memory = reserve(bytes);

  const std::uint64_t start_ns = now_ns();
  const Export exported = value_of(exporter.export_buffer("huge", memory));
  const std::uint64_t export_ns = now_ns() - start_ns;
  const std::uint64_t before = pinned_bytes();

  Window window = value_of(importer.import_buffer(listener.addresses().front() + "/huge"));
  Putter putter{importer, window};
  std::mt19937_64 random{1};
  std::uniform_int_distribution<std::uint64_t> offsets{0, bytes - kPutBytes};
  std::uint64_t most = before;
  const std::uint64_t puts_start_ns = now_ns();
  for (std::uint64_t i = 0; i < puts; ++i) {
    putter.put(offsets(random));
    if (i % kPutsPerLook == 0) most = std::max(most, pinned_bytes());
  }
  putter.drain();
  const auto puts_ns = static_cast<double>(now_ns() - puts_start_ns);
  most = std::max(most, pinned_bytes());

  std::printf("export of %zu GB: %.3f ms (below %.0f)\n", bytes / 1'000'000'000,
              static_cast<double>(export_ns) / 1e6, static_cast<double>(kExportNsMax) / 1e6);
  std::printf(
      "pinned: %zu KiB before, %zu KiB at most in %zu puts of %zu B (%.2f us each), %zu KiB "
      "after (at most %zu)\n",
      before / 1024, most / 1024, static_cast<std::size_t>(puts), kPutBytes,
      puts_ns / 1e3 / static_cast<double>(puts), pinned_bytes() / 1024, kPinnedBytesMax / 1024);
  return export_ns < kExportNsMax && most <= kPinnedBytesMax ? EXIT_SUCCESS : EXIT_FAILURE;
}
