// What is sent are the bytes that are at the addresses now, and what is received lands there,
// whatever became of the memory since it was used last.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/test_seam.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/tlb/address_watch.h"
#include "tests/endpoints/changing_memory.h"
#include "tests/endpoints/echo_peer.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/two_hosts.h"
#include "tests/environment.h"
#include "tests/pinning_nic.h"
#include "tests/sanitized.h"

namespace mapwire {
namespace {

using testing::ChangingMemory;
using testing::number_from;
using testing::value_of;

struct Column {
  std::string name;
  NicChoice nic = NicChoice::kSoft;
  WireChoice wire = WireChoice::kAuto;
  bool pins = false;  // a NIC with real pins in front
};
std::ostream& operator<<(std::ostream& out, const Column& column) { return out << column.name; }

// The first kinds of memory are anonymous, the others all there are.
constexpr unsigned kAllKinds = 10;
constexpr unsigned kAnonymousAlone = 6;

std::unique_ptr<ChangingMemory> make_memory(std::mt19937_64& random, unsigned kinds) {
  constexpr std::size_t kPage = 4096;
  const std::size_t bytes = kPage << (random() % 5);
  switch (random() % kinds) {
    case 6: return testing::make_heap(bytes);
    case 7: return testing::make_file(bytes, true);
    case 8: return testing::make_file(bytes, false);
    case 9: return testing::make_segment(bytes);
    default: return testing::make_anonymous(bytes);
  }
}

// A thread of the application: changes memory, sends it and receives into it.
class Sender {
 public:
  Sender(Context& context, Endpoint endpoint, testing::EchoPeer& peer, std::size_t number,
         std::uint64_t seed, unsigned kinds)
      : context_{context},
        endpoint_{std::move(endpoint)},
        peer_{peer},
        number_{number},
        random_{seed} {
    for (auto& buffer : buffers_) buffer = make_memory(random_, kinds);
  }

  // Goes on until so many changes were made. False: something failed.
  bool run(std::uint64_t changes) {
    for (std::uint64_t i = 0; i < changes; ++i) {
      ChangingMemory& buffer = *buffers_[random_() % buffers_.size()];
      buffer.change(random_);
      for (auto uses = random_() % 5; uses > 0; --uses) {
        if (!exchange(buffer, *buffers_[random_() % buffers_.size()])) return false;
      }
    }
    return true;
  }

  std::uint64_t wrong() const { return wrong_; }
  // A completion of this one's endpoint, which any thread may have polled.
  void on_completion(const Completion& completion) {
    if (completion.status != Code::kOk) failed_ = true;
    ++completed_;
  }

 private:
  static constexpr std::uint64_t kPatience = 60;

  // Why the connection has failed, if it has.
  std::string why() const {
    const auto error = endpoint_.error();
    return error ? error->message : std::to_string(kPatience) + " s are over";
  }
  bool exchange(ChangingMemory& source, ChangingMemory& target);
  std::size_t message_bytes(ChangingMemory& source, ChangingMemory& target);
  template <class Post>
  bool post(const Post& post);

  Context& context_;
  Endpoint endpoint_;
  testing::EchoPeer& peer_;
  std::size_t number_;
  std::mt19937_64 random_;
  std::array<std::unique_ptr<ChangingMemory>, 6> buffers_;
  std::uint64_t stamp_ = 0;
  std::uint64_t wrong_ = 0;
  std::uint64_t posted_ = 0;
  std::atomic<std::uint64_t> completed_ = 0;
  std::atomic<bool> failed_ = false;
};

// The senders by the number of their endpoint in the cookie.
std::vector<std::unique_ptr<Sender>>* senders_of_test = nullptr;

void poll(Context& context) {
  std::array<Completion, 16> completions;
  const std::size_t count = context.poll(completions);
  for (std::size_t i = 0; i < count; ++i) {
    (*senders_of_test)[completions[i].cookie]->on_completion(completions[i]);
  }
}

template <class Post>
bool Sender::post(const Post& post) {
  for (;;) {
    const Code code = post();
    if (code == Code::kOk) return ++posted_, true;
    if (code != Code::kWouldBlock || failed_) {
      ADD_FAILURE() << "post: " << name(code);
      return false;
    }
    poll(context_);
  }
}

// Most often half a buffer, so that the same pages are used again; above what is copied in the
// call.
std::size_t Sender::message_bytes(ChangingMemory& source, ChangingMemory& target) {
  const std::size_t half = std::min(source.memory().size(), target.memory().size()) / 2;
  if (random_() % 4 != 0) return half;
  return std::max<std::size_t>(2, random_() % (half / testing::kStampStride)) *
         testing::kStampStride;
}

bool Sender::exchange(ChangingMemory& source, ChangingMemory& target) {
  const std::size_t bytes = message_bytes(source, target);
  const auto message = source.memory().last(bytes);
  const auto answer = target.memory().first(bytes);
  stamp_ += 1;
  const std::uint64_t stamp = number_ << 48 | stamp_;
  testing::write_stamps(answer, 0);
  testing::write_stamps(message, stamp);
  peer_.expect(number_, stamp);
  if (!post([&] { return endpoint_.post_receive(answer, number_); }) ||
      !post([&] { return endpoint_.post_send(message, number_); })) {
    return false;
  }
  const auto start = std::chrono::steady_clock::now();
  while (completed_ != posted_) {
    poll(context_);
    if (failed_ || std::chrono::steady_clock::now() - start > std::chrono::seconds{kPatience}) {
      ADD_FAILURE() << "no answer to a message from " << source.name() << " to " << target.name()
                    << ": " << why();
      return false;
    }
  }
  if (testing::wrong_stamps(answer, stamp) != 0) ++wrong_;
  return true;
}

class NeverStaleTest : public ::testing::TestWithParam<Column> {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the thread sanitizer unmaps under locks of its own, for which the monitor "
                    "would wait";
#endif
  }
  void TearDown() override { detail::test_seam() = {}; }

  std::uint64_t hits_ = 0;

  // Wrong messages of so many threads that make so many changes together. Nothing: it can not be
  // had here.
  std::optional<std::uint64_t> run(std::size_t threads, std::uint64_t changes, std::uint64_t seed,
                                   unsigned kinds = kAllKinds) {
    const Column& column = GetParam();
    std::string host = "127.0.0.1";
    if (column.nic == NicChoice::kVerbs) host = testing::device_address().value_or("");
    const ContextOptions options{.nic = column.nic, .wire = column.wire, .address = host + ":0"};
    Context steady = value_of(Context::create(options));
    if (column.pins) {
      if (auto pins = testing::make_pinning_soft_nic(); !pins) return std::nullopt;
      detail::test_seam().wrap_nic = [](std::unique_ptr<Nic> nic) {
        return value_of(testing::make_pinning_nic(std::move(nic)));
      };
    }
    Context changing = value_of(Context::create(options));
    Listener listener = value_of(steady.listen({.address = host + ":0"}));
    std::vector<Endpoint> accepted;
    std::vector<Endpoint> connected;
    for (std::size_t i = 0; i < threads; ++i) {
      auto accepting =
          std::async(std::launch::async, [&] { return listener.accept(testing::kPatienceNs); });
      connected.push_back(
          value_of(changing.connect(host + ":" + std::to_string(listener.port()), {})));
      accepted.push_back(value_of(accepting.get()));
    }
    testing::EchoPeer peer{steady, std::move(accepted)};
    std::vector<std::unique_ptr<Sender>> senders;
    for (std::size_t i = 0; i < threads; ++i) {
      senders.push_back(std::make_unique<Sender>(changing, std::move(connected[i]), peer, i,
                                                 seed + i * 1'000'003, kinds));
    }
    senders_of_test = &senders;
    std::vector<std::thread> running;
    for (auto& sender : senders) {
      running.emplace_back([&] { EXPECT_TRUE(sender->run(changes / threads)); });
    }
    for (auto& thread : running) thread.join();
    EXPECT_FALSE(peer.failed());
    std::uint64_t wrong = peer.wrong();
    for (const auto& sender : senders) wrong += sender->wrong();
    for (const CounterValue& counter : value_of(CounterBlock::read(::getpid()))) {
      if (counter.name == "tlb.hits") hits_ = counter.value;
    }
    return wrong;
  }

  void expect_never_stale(std::size_t threads) {
    const auto seed = number_from("MAPWIRE_TEST_SEED", 0x5eed0 + threads);
    const bool slow = testing::kSanitized || GetParam().nic == NicChoice::kVerbs;
    const auto changes = number_from("MAPWIRE_TEST_CHANGES", slow ? 300 : 1500);
    const auto wrong = run(threads, changes, seed);
    if (!wrong) GTEST_SKIP() << "io_uring is not allowed here, so nothing can be pinned";
    // Or it would show nothing.
    const bool pins = GetParam().pins || GetParam().nic == NicChoice::kVerbs;
    if (pins) {
      EXPECT_GT(hits_, changes / 10);
    }
    EXPECT_EQ(*wrong, 0U) << "again with MAPWIRE_TEST_SEED=" << seed
                          << " MAPWIRE_TEST_CHANGES=" << changes;
  }
};

TEST_P(NeverStaleTest, two_threads_change_memory_between_posts) { expect_never_stale(2); }

TEST_P(NeverStaleTest, eight_threads_change_memory_between_posts) { expect_never_stale(8); }

TEST_P(NeverStaleTest, a_late_monitor_changes_nothing) {
  const auto watch = tlb::AddressWatch::get();
  if (!watch) GTEST_SKIP() << watch.error().message;
  (*watch)->delay_monitor(300'000);
  expect_never_stale(3);
  (*watch)->delay_monitor(0);
}

INSTANTIATE_TEST_SUITE_P(
    columns, NeverStaleTest,
    ::testing::Values(Column{.name = "pinned_shm", .wire = WireChoice::kShm, .pins = true},
                      Column{.name = "pinned_udp", .wire = WireChoice::kUdp, .pins = true},
                      Column{.name = "soft_shm", .wire = WireChoice::kShm},
                      Column{.name = "soft_udp", .wire = WireChoice::kUdp},
                      Column{.name = "verbs_rxe", .nic = NicChoice::kVerbs}),
    [](const auto& column) { return column.param.name; });

// The test above can fail: on NICs that pin, a cache that believes what it holds sends old bytes.
class StaleTest : public NeverStaleTest {};

TEST_P(StaleTest, without_verification_old_bytes_travel) {
  detail::test_seam().verify_translations = false;
  const auto watch = tlb::AddressWatch::get();
  if (!watch) GTEST_SKIP() << watch.error().message;
  (*watch)->delay_monitor(300'000);
  const auto wrong = run(3, 600, 1, kAnonymousAlone);
  (*watch)->delay_monitor(0);
  if (!wrong) GTEST_SKIP() << "io_uring is not allowed here, so nothing can be pinned";
  EXPECT_GT(*wrong, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    columns, StaleTest,
    ::testing::Values(Column{.name = "pinned_shm", .wire = WireChoice::kShm, .pins = true},
                      Column{.name = "verbs_rxe", .nic = NicChoice::kVerbs}),
    [](const auto& column) { return column.param.name; });

}  // namespace
}  // namespace mapwire
