// usage: tlb_churn alone|cached
//
// What an allocation-heavy program pays for a TLB beside it. Two threads free and allocate objects
// at random, each other's as well (the pattern of Larson and Krishnan's server benchmark, "Memory
// allocation for long-running server applications", ISMM 1998), with now and then a large one,
// which is what makes an allocator give memory back. With "cached" some of the large ones are sent
// again and again, and so kept in a TLB, until they are freed. Prints the nanoseconds per
// operation.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "mapwire/tlb/tlb.h"
#include "tests/test_program.h"
#include "tests/tlb/region_nic.h"

namespace mapwire::tlb {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kObjects = 10'000;  // of each thread
constexpr std::size_t kOperations = 2'000'000;
constexpr std::size_t kLargeEvery = 1'000;     // operations
constexpr std::size_t kLargeBytes = 96 << 10;  // below malloc's threshold for mappings of their own
constexpr std::size_t kMessages = 32;          // large buffers that are in use
constexpr std::size_t kUses = 16;              // of each, before it is freed

// Buffers that are sent while others churn. Without a TLB they are allocated and freed all the
// same.
class Messages {
 public:
  explicit Messages(bool cached) {
    if (!cached) return;
    tlb_.emplace(nic_, 1, TlbOptions{}, TlbCounters{});
    if (!tlb_->not_kept_reason().empty()) std::abort();
  }

  void use_next() {
    Message& message = messages_[next_++ % kMessages];
    if (message.uses == kUses) message = {};
    if (message.memory == nullptr) message.memory = std::make_unique<std::byte[]>(kLargeBytes);
    ++message.uses;
    if (!tlb_) return;
    const auto translation = tlb_->translate({message.memory.get(), kLargeBytes}, Use::kSend);
    if (!translation) std::abort();
    tlb_->release(translation->id);
    if (tlb_->wants_reaping()) tlb_->reap();
    kept_max_ = std::max(kept_max_, tlb_->kept());
  }

  std::size_t kept_max() const { return kept_max_; }

 private:
  struct Message {
    std::unique_ptr<std::byte[]> memory;
    std::size_t uses = 0;
  };
  testing::RegionNic nic_;
  std::optional<Tlb> tlb_;
  std::array<Message, kMessages> messages_;
  std::size_t next_ = 0;
  std::size_t kept_max_ = 0;
};

// Objects of all threads: one frees what another has allocated.
std::array<std::atomic<char*>, kThreads * kObjects> objects{};

void churn(std::size_t number, Messages* messages) {
  std::mt19937 random{static_cast<unsigned>(number)};
  for (std::size_t i = 0; i < kOperations; ++i) {
    const std::size_t bytes = i % kLargeEvery == 0 ? kLargeBytes : 8 + random() % 1000;
    // NOLINTBEGIN(cppcoreguidelines-no-malloc): malloc is what is measured
    auto* const fresh = static_cast<char*>(std::malloc(bytes));
    std::memset(fresh, 1, std::min<std::size_t>(bytes, 64));
    std::free(objects[random() % objects.size()].exchange(fresh));
    // NOLINTEND(cppcoreguidelines-no-malloc)
    if (messages != nullptr && i % kLargeEvery == 0) messages->use_next();
  }
}

double nanoseconds_per_operation(bool cached) {
  Messages messages{cached};
  const auto start = std::chrono::steady_clock::now();
  std::thread other{churn, 1, nullptr};
  churn(0, &messages);
  other.join();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  if (cached && messages.kept_max() == 0) std::abort();  // it would show nothing
  return took.count() / (kThreads * kOperations);
}

}  // namespace
}  // namespace mapwire::tlb

int main(int argc, char** argv) {
  const std::string_view kind = argc == 2 ? argv[1] : "";
  if (kind != "alone" && kind != "cached") mapwire::fail("usage: tlb_churn alone|cached");
  std::printf("%f\n", mapwire::tlb::nanoseconds_per_operation(kind == "cached"));
}
