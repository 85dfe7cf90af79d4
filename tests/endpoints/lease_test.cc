// Exports on a NIC that pins memory: importers lease the parts that they access.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window.h"
#include "tests/endpoints/pinned_pair.h"
#include "tests/tlb/pages.h"
#include "tests/tlb/pinning_nic_pair.h"

namespace mapwire {
namespace {

using pinning_test::pinned_bytes;
using testing::next_completion;
using testing::Pages;
using testing::pattern;
using testing::value_of;
using tlb::kPageBytes;

constexpr std::size_t kBudget = 64 * kPageBytes;

class LeaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::make_pinning_soft_nic()) GTEST_SKIP() << "no pins of the kernel's here";
    make_exporter(kBudget);
  }
  void make_exporter(std::size_t budget) {
    listener_.reset();
    exporter_.emplace(testing::pinning_context(budget, {}));
    listener_.emplace(value_of(exporter_->listen({.address = "127.0.0.1:0"})));
    before_ = pinned_bytes();
  }
  Export export_memory(std::span<std::byte> memory) {
    return value_of(exporter_->export_buffer("buffer", memory));
  }
  Window import_by(Context& importer) {
    return value_of(importer.import_buffer(testing::loopback(*listener_) + "/buffer"));
  }
  static void expect_done(Context& importer, const Window& window, std::uint64_t cookie) {
    const Completion done = next_completion(importer);
    ASSERT_EQ(name(done.status), name(Code::kOk))
        << (window.error() ? window.error()->message : "the window lives");
    EXPECT_EQ(done.cookie, cookie);
  }
  // What the exporter, and nobody else here, has pinned since it was made.
  std::uint64_t leased() const { return pinned_bytes() - before_; }
  // No more than is of connections that it had.
  void await_unpinned(std::uint64_t connections) const {
    const std::uint64_t end_ns = now_ns() + testing::kPatienceNs;
    while (leased() > connections && now_ns() < end_ns) std::this_thread::yield();
    EXPECT_LE(leased(), connections);
  }

  std::optional<Context> exporter_;
  std::optional<Listener> listener_;
  Context importer_ = value_of(Context::create());
  std::uint64_t before_ = 0;
};

// A page of `memory` for each that was written, and a number that it was written with.
class Ledger {
 public:
  explicit Ledger(std::size_t pages) : numbers_(pages) {}
  void write(std::size_t page, std::uint64_t number) { numbers_[page] = number; }
  void expect_in(std::span<const std::byte> memory) const {
    for (std::size_t page = 0; page < numbers_.size(); ++page) {
      std::uint64_t found = 0;
      std::memcpy(&found, &memory[page * kPageBytes], sizeof(found));
      EXPECT_EQ(found, numbers_[page]) << "page " << page;
    }
  }

 private:
  std::vector<std::uint64_t> numbers_;
};

TEST_F(LeaseTest, an_export_pins_nothing_and_accesses_what_they_reach) {
  const Pages pages{4096};
  const Export exported = export_memory(pages.memory());
  const std::uint64_t exporting = leased();
  Window window = import_by(importer_);
  const std::uint64_t imported = leased();  // and the words of the connection
  EXPECT_EQ(exporting, 0U);
  const auto source = pattern(5000, 1);
  ASSERT_EQ(window.put(7 * kPageBytes + 100, source, 1), Code::kOk);
  expect_done(importer_, window, 1);
  EXPECT_EQ(leased() - imported, 2 * kPageBytes);
  EXPECT_TRUE(std::ranges::equal(pages.memory().subspan(7 * kPageBytes + 100, 5000), source));
  // Expect: again for nothing.
  ASSERT_EQ(window.put(7 * kPageBytes + 200, source, 2), Code::kOk);
  expect_done(importer_, window, 2);
  EXPECT_EQ(leased() - imported, 2 * kPageBytes);
  window.close();
  await_unpinned(imported);
}

TEST_F(LeaseTest, any_of_a_buffer_far_larger_than_the_budget_is_reached) {
  const char* const text = std::getenv("MAPWIRE_TEST_PUTS");
  const std::uint64_t puts = text == nullptr ? 2000 : std::strtoull(text, nullptr, 10);
  constexpr std::size_t kPages = 1000;
  const Pages pages{kPages};
  const Export exported = export_memory(pages.memory());
  Window window = import_by(importer_);
  Ledger ledger{kPages};
  std::mt19937_64 random{1};
  std::uint64_t most = 0;
  std::array<std::uint64_t, 16> values{};
  for (std::uint64_t number = 1; number <= puts; number += values.size()) {
    for (std::uint64_t i = 0; i < values.size(); ++i) {
      values[i] = number + i;
      const std::size_t page = random() % kPages;
      ASSERT_EQ(window.put(page * kPageBytes, std::as_bytes(std::span{&values[i], 1}), number + i),
                Code::kOk);
      ledger.write(page, values[i]);
    }
    for (std::uint64_t i = 0; i < values.size(); ++i) expect_done(importer_, window, number + i);
    most = std::max(most, leased());
  }
  EXPECT_LE(most, kBudget);
  EXPECT_GE(most, kBudget / 4);
  ledger.expect_in(pages.memory());
}

TEST_F(LeaseTest, accesses_take_effect_in_their_order_whatever_is_leased) {
  const Pages pages{256};
  const Export exported = export_memory(pages.memory());
  Window window = import_by(importer_);
  std::mt19937_64 random{2};
  for (std::uint64_t round = 0; round < 50; ++round) {
    const std::uint64_t first = random() % 256 * kPageBytes;
    const std::uint64_t second = random() % 256 * kPageBytes;
    const std::uint64_t old_number = 2 * round + 1;
    const std::uint64_t number = 2 * round + 2;
    std::uint64_t found = 0;
    ASSERT_EQ(window.put(first, std::as_bytes(std::span{&old_number, 1}), 1), Code::kOk);
    ASSERT_EQ(window.put(second + 8, std::as_bytes(std::span{&number, 1}), 2), Code::kOk);
    ASSERT_EQ(window.put(first, std::as_bytes(std::span{&number, 1}), 3), Code::kOk);
    ASSERT_EQ(window.get(first, std::as_writable_bytes(std::span{&found, 1}), 4), Code::kOk);
    ASSERT_EQ(window.flush(5), Code::kOk);
    for (std::uint64_t cookie = 1; cookie <= 5; ++cookie) expect_done(importer_, window, cookie);
    EXPECT_EQ(found, number);
  }
}

TEST_F(LeaseTest, importers_take_what_others_do_not_use) {
  const Pages pages{256};
  const Export exported = export_memory(pages.memory());
  Context another = value_of(Context::create());
  std::array<Window, 2> windows{import_by(importer_), import_by(another)};
  std::array<Context*, 2> importers{&importer_, &another};
  const std::vector<std::byte> source(20 * kPageBytes, std::byte{1});
  // Together more than all leases may have.
  for (std::uint64_t round = 0; round < 30; ++round) {
    for (std::size_t i = 0; i < windows.size(); ++i) {
      ASSERT_EQ(windows[i].put((round + i) * kPageBytes, source, round), Code::kOk);
    }
    for (std::size_t i = 0; i < windows.size(); ++i) expect_done(*importers[i], windows[i], round);
    EXPECT_LE(leased(), kBudget);
  }
}

// Each could wait for a lease of the other's with all that it may pin in use.
TEST_F(LeaseTest, two_who_access_one_another_both_get_on) {
  constexpr std::size_t kLarger = 4 * kBudget;
  constexpr std::size_t kPutPages = 96;  // of 128, some of which are the library's
  make_exporter(kLarger);
  const Pages pages{512};
  const Export exported = export_memory(pages.memory());
  Context other = testing::pinning_context(kLarger, {});
  const Pages other_pages{512};
  const Export other_exported = value_of(other.export_buffer("buffer", other_pages.memory()));
  const Listener other_listener = value_of(other.listen({.address = "127.0.0.1:0"}));
  std::array<Window, 2> windows{
      import_by(other),
      value_of(exporter_->import_buffer(testing::loopback(other_listener) + "/buffer"))};
  std::array<Context*, 2> importers{&other, &*exporter_};
  const Pages sources{2 * kPutPages};
  std::array<std::uint64_t, 2> posted{};
  std::array<std::uint64_t, 2> done{};
  constexpr std::uint64_t kPuts = 40;
  const std::uint64_t end_ns = now_ns() + testing::kPatienceNs;
  while ((done[0] < kPuts || done[1] < kPuts) && now_ns() < end_ns) {
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto source = sources.page(posted[i] % 2 * kPutPages, kPutPages);
      if (posted[i] < kPuts) {
        const Code code = windows[i].put(posted[i] * 10 * kPageBytes, source, posted[i]);
        ASSERT_TRUE(code == Code::kOk || code == Code::kWouldBlock) << name(code);
        if (code == Code::kOk) ++posted[i];
      }
      Completion completion;
      if (importers[i]->poll({&completion, 1}) == 0) continue;
      ASSERT_EQ(name(completion.status), name(Code::kOk));
      ++done[i];
    }
  }
  EXPECT_EQ(done[0], kPuts);
  EXPECT_EQ(done[1], kPuts);
}

TEST_F(LeaseTest, more_than_may_be_leased_at_once_is_refused) {
  const Pages pages{256};
  const Export exported = export_memory(pages.memory());
  Window window = import_by(importer_);
  const std::vector<std::byte> source(kBudget / 2);
  EXPECT_EQ(window.put(0, source, 1), Code::kLimitReached);
  ASSERT_EQ(window.put(5, std::span{source}.first(source.size() - 2 * kPageBytes), 2), Code::kOk);
  expect_done(importer_, window, 2);
}

TEST_F(LeaseTest, the_end_of_an_export_ends_its_leases) {
  const Pages pages{256};
  std::optional exported{export_memory(pages.memory())};
  const Pages other_pages{1};
  const Export other = value_of(exporter_->export_buffer("other", other_pages.memory()));
  Window window = import_by(importer_);
  const std::uint64_t imported = leased();
  const auto source = pattern(kPageBytes, 1);
  for (std::uint64_t page = 0; page < 8; ++page) {
    ASSERT_EQ(window.put(page * kPageBytes, source, page), Code::kOk);
    expect_done(importer_, window, page);
  }
  // One that waits for its lease, maybe.
  ASSERT_EQ(window.put(100 * kPageBytes, source, 100), Code::kOk);
  EXPECT_GT(leased(), imported);
  exported.reset();
  EXPECT_LE(leased(), imported);
  const Completion last = next_completion(importer_);
  EXPECT_EQ(last.cookie, 100U);
  const std::vector<std::byte> now{pages.memory().begin(), pages.memory().end()};
  EXPECT_EQ(window.put(0, pattern(100, 2), 101), Code::kOk);
  EXPECT_NE(next_completion(importer_).status, Code::kOk);
  EXPECT_TRUE(std::ranges::equal(now, pages.memory()));
}

TEST_F(LeaseTest, memory_beside_what_is_accessed_may_be_gone) {
  make_exporter(std::size_t{1} << 30);  // leases of two pages
  const Pages pages{64};
  const Export exported = export_memory(pages.memory());
  Window window = import_by(importer_);
  ASSERT_EQ(::mprotect(pages.page(9).data(), kPageBytes, PROT_NONE), 0);
  const auto source = pattern(100, 1);
  ASSERT_EQ(window.put(8 * kPageBytes, source, 1), Code::kOk);
  expect_done(importer_, window, 1);
  EXPECT_TRUE(std::ranges::equal(pages.memory().subspan(8 * kPageBytes, 100), source));
  ASSERT_EQ(window.put(9 * kPageBytes, source, 2), Code::kOk);
  const Completion refused = next_completion(importer_);
  EXPECT_EQ(refused.cookie, 2U);
  EXPECT_EQ(name(refused.status), name(Code::kRemoteAccess));
  EXPECT_TRUE(window.error());
}

TEST_F(LeaseTest, a_budget_without_room_for_leases_exports_nothing) {
  make_exporter(7 * kPageBytes);
  const Pages pages{1};
  const auto refused = exporter_->export_buffer("buffer", pages.memory());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kLimitReached);
  EXPECT_NE(refused.error().message.find("MAPWIRE_PIN_BUDGET"), std::string::npos);
}

}  // namespace
}  // namespace mapwire
