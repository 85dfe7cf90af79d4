// usage: updates
//
// What automatic update costs. For memory of 16 MiB: a look at it after no store, the first store
// to a page after a look, and one that follows. For a store of 8 bytes and the flush after it: how
// long until the flush has completed. For 10,000 lines of 64 bytes at random places, over UDP: what
// is sent for them. Ends with status 1 if that is more than 1.1 times as many bytes of payload, or
// more than 2.5 times as many on the wire, in both directions and with all headers.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/binding.h"
#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window_memory.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/tlb/write_tracker.h"
#include "tests/test_program.h"

namespace {

using namespace mapwire;

constexpr std::size_t kBytes = std::size_t{16} << 20;
constexpr std::size_t kPage = tlb::kPageBytes;
constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kLines = 10'000;
constexpr double kPayloadMax = 1.1;
constexpr double kWireMax = 2.5;
constexpr std::uint64_t kPatienceNs = 10'000'000'000;

std::span<std::byte> map_pages() {
  void* const mapped =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) fail("mmap: no room for 16 MiB");
  std::memset(mapped, 1, kBytes);
  return {static_cast<std::byte*>(mapped), kBytes};
}

double median(std::vector<std::uint64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return static_cast<double>(*middle);
}

double store_each_page_ns(std::span<std::byte> memory) {
  const std::size_t pages = memory.size() / kPage;
  const std::uint64_t start_ns = now_ns();
  for (std::size_t at = 0; at < memory.size(); at += kPage) {
    *const_cast<volatile std::byte*>(&memory[at]) = std::byte{2};
  }
  return static_cast<double>(now_ns() - start_ns) / static_cast<double>(pages);
}

void measure_tracking() {
  const std::string obstacle = tlb::obstacle_to_tracking();
  if (!obstacle.empty()) {
    std::printf("the kernel does not tell of stores, so each look compares all: %s\n",
                obstacle.c_str());
    return;
  }
  const std::span<std::byte> memory = map_pages();
  tlb::WriteTracker tracker{*tlb::pages_of(memory)};
  std::vector<tlb::Range> stored;
  tracker.collect(stored);
  std::vector<std::uint64_t> clean_ns;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t start_ns = now_ns();
    tracker.collect(stored);
    clean_ns.push_back(now_ns() - start_ns);
  }
  const double first_ns = store_each_page_ns(memory);
  const double next_ns = store_each_page_ns(memory);
  std::printf("a look at 16 MiB that were not stored to: %.1f us\n", median(clean_ns) / 1e3);
  std::printf("the first store to a page after a look: %.0f ns; the next: %.1f ns\n", first_ns,
              next_ns);
  ::munmap(memory.data(), memory.size());
}

// Memory of one context bound to that of another, on one wire.
class Bound {
 public:
  Bound(WireChoice wire, std::span<std::byte> memory, std::uint64_t interval_ns,
        const std::string& pcap_file = {})
      : exporter_{value_of(Context::create({.wire = wire}))},
        importer_{value_of(Context::create({.wire = wire, .pcap_file = pcap_file}))},
        target_{value_of(WindowMemory::create(memory.size()))},
        listener_{value_of(exporter_.listen({.address = "127.0.0.1:0"}))},
        exported_{value_of(exporter_.export_buffer("target", target_))},
        binding_{value_of(importer_.bind(
            memory, value_of(importer_.import_buffer(listener_.addresses().front() + "/target")),
            {.interval_ns = interval_ns}))} {}

  void flush() {
    if (binding_.flush(0) != Code::kOk) fail("a flush was refused");
    std::array<Completion, 1> done;
    while (importer_.poll(done) == 0) {
      if (now_ns() > deadline_ns_) fail("a flush did not complete");
    }
    if (done[0].status != Code::kOk) fail("a flush: " + std::string{name(done[0].status)});
  }
  BindingCounts counts() const { return binding_.counts(); }

 private:
  const std::uint64_t deadline_ns_ = now_ns() + 6 * kPatienceNs;
  Context exporter_;
  Context importer_;
  WindowMemory target_;
  Listener listener_;
  Export exported_;
  Binding binding_;
};

void measure_flush(WireChoice wire, const char* name) {
  const std::span<std::byte> memory = map_pages();
  {
    Bound bound{wire, memory, 1'000'000'000};
    std::mt19937_64 random{1};
    std::vector<std::uint64_t> flush_ns;
    for (std::uint64_t i = 0; i < 2000; ++i) {
      const std::uint64_t value = random();
      const std::uint64_t start_ns = now_ns();
      std::memcpy(&memory[value % (kBytes / 8) * 8], &value, sizeof(value));
      bound.flush();
      flush_ns.push_back(now_ns() - start_ns);
    }
    std::printf("a store of 8 B and its flush, %s: %.1f us\n", name, median(flush_ns) / 1e3);
  }
  ::munmap(memory.data(), memory.size());
}

// Of all packets in a capture, from the network header on.
std::uint64_t captured_bytes(const std::filesystem::path& file) {
  struct Record {
    std::uint32_t seconds, fraction, captured, length;
  };
  std::ifstream in{file, std::ios::binary};
  in.ignore(24);  // of the file
  std::uint64_t bytes = 0;
  for (Record record{}; in.read(reinterpret_cast<char*>(&record), sizeof(record));) {
    bytes += record.length;
    in.ignore(record.captured);
  }
  return bytes;
}

bool within(const char* what, std::uint64_t bytes, double limit) {
  const double ratio = static_cast<double>(bytes) / static_cast<double>(kLines * kLineBytes);
  std::printf("%s: %.3f times the bytes stored (at most %.1f) %s\n", what, ratio, limit,
              ratio <= limit ? "ok" : "MISS");
  return ratio <= limit;
}

bool measure_wire() {
  const std::span<std::byte> memory = map_pages();
  const auto file = std::filesystem::temp_directory_path() /
                    ("mapwire-updates-" + std::to_string(::getpid()) + ".pcap");
  std::uint64_t payload = 0;
  {
    Bound bound{WireChoice::kUdp, memory, 1'000'000'000, file};
    std::vector<std::size_t> lines(kBytes / kLineBytes);
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i] = i;
    std::ranges::shuffle(lines, std::mt19937_64{1});
    for (std::size_t i = 0; i < kLines; ++i) {
      std::memset(&memory[lines[i] * kLineBytes], 3, kLineBytes);
    }
    bound.flush();
    payload = bound.counts().bytes;
  }
  const std::uint64_t wire = captured_bytes(file);
  std::filesystem::remove(file);
  std::printf("10,000 lines of 64 B at random places, over UDP\n");
  const bool payload_ok = within("  payload", payload, kPayloadMax);
  return within("  on the wire", wire, kWireMax) && payload_ok;
}

}  // namespace

int main() {
  measure_tracking();
  measure_flush(WireChoice::kShm, "the window mapped");
  measure_flush(WireChoice::kUdp, "over UDP");
  return measure_wire() ? EXIT_SUCCESS : EXIT_FAILURE;
}
