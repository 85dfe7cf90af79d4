// Automatic update: what is stored to bound memory appears in the window.
#include "mapwire/endpoints/binding.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/endpoints/window_fixture.h"
#include "tests/environment.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::next_completion;
using testing::Pages;
using testing::value_of;

constexpr std::size_t kPage = tlb::kPageBytes;
constexpr std::uint64_t kNeverNs = 1'000'000'000;  // longer than what is waited for

class BindingTest : public testing::WindowFixture {
 protected:
  Binding bind(const BindOptions& options = {.interval_ns = kNeverNs}) {
    return value_of(importer_.bind(local_.memory(), value_of(import_window("all")), options));
  }
  Code bind_ends(std::span<std::byte> memory, const BindOptions& options = {},
                 std::string_view name = "all") {
    const auto bound = importer_.bind(memory, value_of(import_window(name)), options);
    return bound ? Code::kOk : bound.error().code;
  }
  void expect_flushed(Binding& binding, std::uint64_t cookie = 1) {
    ASSERT_EQ(binding.flush(cookie), Code::kOk);
    const Completion done = next_completion(importer_);
    ASSERT_EQ(done.status, Code::kOk) << name(done.status);
    EXPECT_EQ(done.endpoint, binding.id());
    EXPECT_EQ(done.cookie, cookie);
  }
  void expect_memory_gone(Binding& binding) {
    ASSERT_EQ(binding.flush(1), Code::kOk);
    EXPECT_EQ(next_completion(importer_).status, Code::kFlushed);
    ASSERT_TRUE(binding.error());
    EXPECT_EQ(binding.error()->code, Code::kLocalProtection);
  }
  void store(std::size_t offset, std::uint64_t value) const {
    std::memcpy(&local_.memory()[offset], &value, sizeof(value));
  }
  std::uint64_t remote(std::size_t offset) const {
    std::uint64_t value = 0;
    std::memcpy(&value, &memory_.memory()[offset], sizeof(value));
    return value;
  }
  bool same() const { return std::ranges::equal(local_.memory(), first(memory_.memory())); }
  std::span<std::byte> first(std::span<std::byte> memory) const {
    return memory.first(local_.memory().size());
  }

  const Pages local_{8};
  const Export exported_ = export_all();
};

TEST_P(BindingTest, a_store_is_at_the_exporter_when_a_flush_has_completed) {
  Binding binding = bind();
  store(8, 0x1234);
  store(3 * kPage - 8, 0x5678);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_EQ(remote(8), 0x1234U);
  EXPECT_EQ(remote(3 * kPage - 8), 0x5678U);
  EXPECT_TRUE(same());
}

TEST_P(BindingTest, a_store_appears_without_a_call) {
  const Binding binding = bind({.interval_ns = 1'000'000});
  store(kPage, 7);
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  while (remote(kPage) != 7 && now_ns() < until_ns) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  EXPECT_EQ(remote(kPage), 7U);
}

TEST_P(BindingTest, only_words_that_changed_travel_and_neighbours_in_one_put) {
  store(0, 1);
  Binding binding = bind();
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_EQ(remote(0), 0U) << "was there before";
  EXPECT_EQ(binding.counts().puts, 0U);
  for (std::size_t word = 0; word < 20; ++word) store(kPage - 80 + word * 8, 100 + word);
  store(5 * kPage, 1);
  store(5 * kPage, 0);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_EQ(binding.counts().puts, 1U) << "over the end of a page";
  EXPECT_EQ(binding.counts().bytes, 160U);
  store(16, 5);
  store(32, 5);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_EQ(binding.counts().puts, 3U);
  EXPECT_EQ(binding.counts().bytes, 176U);
  EXPECT_EQ(remote(24), 0U);
}

TEST_P(BindingTest, loads_and_stores_of_the_exporter_stay_where_they_are) {
  Binding binding = bind();
  memory_.memory()[3 * kPage] = std::byte{9};
  store(3 * kPage + 8, 1);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_EQ(local_.memory()[3 * kPage], std::byte{0});
  EXPECT_EQ(memory_.memory()[3 * kPage], std::byte{9}) << "in a page of which a word travelled";
}

TEST_P(BindingTest, more_than_the_queue_holds_goes_after_one_another) {
  Binding binding = value_of(importer_.bind(
      local_.memory(), value_of(import_window("all", {.entries = 4})), {.interval_ns = kNeverNs}));
  for (std::size_t at = 0; at < local_.memory().size(); at += 64) store(at, at + 1);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_TRUE(same());
  EXPECT_EQ(binding.counts().puts, local_.memory().size() / 64);
}

TEST_P(BindingTest, all_of_it_goes_in_puts_of_some_pages) {
  Binding binding = bind();
  std::ranges::fill(local_.memory(), std::byte{3});
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_TRUE(same());
  EXPECT_EQ(binding.counts().puts, 2U);
}

TEST_P(BindingTest, the_memory_goes_to_an_offset_of_the_window) {
  Binding binding = bind({.offset = 5 * kPage + 16, .interval_ns = kNeverNs});
  store(kPage, 3);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_EQ(remote(6 * kPage + 16), 3U);
}

TEST_P(BindingTest, flushes_wait_up_to_a_bound_and_complete_in_order) {
  Binding binding = bind();
  std::uint64_t accepted = 0;
  Code code = Code::kOk;
  for (; accepted < 100; ++accepted) {
    store(accepted * 8, accepted + 1);
    code = binding.flush(accepted);
    if (code != Code::kOk) break;
  }
  EXPECT_TRUE(code == Code::kOk || code == Code::kWouldBlock) << name(code);
  EXPECT_GE(accepted, 16U);
  for (std::uint64_t cookie = 0; cookie < accepted; ++cookie) {
    const Completion done = next_completion(importer_);
    ASSERT_EQ(done.status, Code::kOk) << name(done.status);
    ASSERT_EQ(done.cookie, cookie);
    ASSERT_EQ(remote(cookie * 8), cookie + 1);
  }
}

TEST_P(BindingTest, its_end_completes_flushes_and_reads_the_memory_no_more) {
  std::optional<Pages> local{std::in_place, 2};
  std::optional<Binding> binding{value_of(
      importer_.bind(local->memory(), value_of(import_window("all")), {.interval_ns = 10'000}))};
  local->memory()[0] = std::byte{1};
  ASSERT_EQ(binding->flush(4), Code::kOk);
  binding.reset();
  local.reset();
  const Completion done = next_completion(importer_);
  EXPECT_EQ(done.cookie, 4U);
  EXPECT_TRUE(done.status == Code::kOk || done.status == Code::kFlushed) << name(done.status);
  EXPECT_EQ(bind_ends(local_.memory()), Code::kOk);
}

// 64 puts and 15 flushes at once, where the queue has 64 entries.
TEST_P(BindingTest, flushes_behind_a_full_queue_of_puts_wait_for_room) {
  Binding binding = bind();
  for (std::size_t word = 0; word < 200; word += 2) store(word * 8, 1);
  ASSERT_EQ(binding.flush(0), Code::kOk);  // more puts than fit, of pages that were looked at
  for (std::size_t word = 0; word < 128; word += 2) store(3 * kPage + word * 8, 1);
  for (std::uint64_t cookie = 1; cookie < 16; ++cookie) {
    ASSERT_EQ(binding.flush(cookie), Code::kOk);
  }
  // The helper thread posts and takes completions in turns; a poll would take them meanwhile.
  std::this_thread::sleep_for(std::chrono::milliseconds{200});
  for (std::uint64_t cookie = 0; cookie < 16; ++cookie) {
    const Completion done = next_completion(importer_);
    ASSERT_EQ(done.status, Code::kOk) << name(done.status);
    ASSERT_EQ(done.cookie, cookie);
  }
  EXPECT_TRUE(same());
}

TEST_P(BindingTest, its_end_completes_flushes_that_wait_for_their_puts) {
  std::optional<Binding> binding{value_of(
      importer_.bind(local_.memory(), value_of(import_window("all", {.entries = 4})), {}))};
  for (std::uint64_t cookie = 1; cookie <= 2; ++cookie) {
    for (std::size_t at = 0; at < local_.memory().size(); at += 16) store(at, cookie);
    ASSERT_EQ(binding->flush(cookie), Code::kOk);
  }
  EXPECT_EQ(binding->flush(3), Code::kWouldBlock) << "half of the entries";
  binding.reset();
  for (std::uint64_t cookie = 1; cookie <= 2; ++cookie) {
    const Completion done = next_completion(importer_);
    EXPECT_EQ(done.cookie, cookie);
    EXPECT_TRUE(done.status == Code::kOk || done.status == Code::kFlushed) << name(done.status);
  }
}

TEST_P(BindingTest, the_end_of_the_export_fails_it) {
  std::optional<Export> other{value_of(exporter_.export_buffer("other", memory_.memory()))};
  Binding binding = value_of(importer_.bind(local_.memory(), value_of(import_window("other")), {}));
  other.reset();
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  while (!binding.error() && now_ns() < until_ns) importer_.poll({});
  ASSERT_TRUE(binding.error());
  EXPECT_EQ(binding.error()->code, Code::kPeerClosed);
  store(0, 1);
  ASSERT_EQ(binding.flush(3), Code::kOk);
  EXPECT_EQ(next_completion(importer_).status, Code::kFlushed);
  EXPECT_EQ(remote(0), 0U);
}

TEST_P(BindingTest, memory_that_goes_fails_it_and_nothing_else) {
  const Pages local{4};
  Binding unmapped = value_of(importer_.bind(local.page(0, 2), value_of(import_window("all")), {}));
  Binding unreadable =
      value_of(importer_.bind(local.page(2, 2), value_of(import_window("all")), {}));
  Binding other = bind();
  local.page(3)[0] = std::byte{1};
  ASSERT_EQ(::mprotect(local.page(3).data(), kPage, PROT_NONE), 0);
  ASSERT_NO_FATAL_FAILURE(expect_memory_gone(unreadable));
  ASSERT_EQ(::munmap(local.page(1).data(), kPage), 0);
  ASSERT_NO_FATAL_FAILURE(expect_memory_gone(unmapped));
  store(0, 4);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(other));
  EXPECT_EQ(remote(0), 4U);
}

TEST_P(BindingTest, what_can_not_be_bound_is_refused) {
  EXPECT_EQ(bind_ends({}), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.memory().subspan(8)), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.memory().first(100)), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.memory(), {.offset = 8 * kPage + 1}), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.memory(), {.offset = UINT64_MAX - 8}), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.memory(), {.interval_ns = 0}), Code::kInvalidArgument);
  const Pages gone{2};
  ASSERT_EQ(::mprotect(gone.page(1).data(), kPage, PROT_NONE), 0);
  EXPECT_EQ(bind_ends(gone.memory()), Code::kInvalidArgument);
  const Export readable =
      value_of(exporter_.export_buffer("readable", memory_.memory(), {.rights = {.write = false}}));
  EXPECT_EQ(bind_ends(local_.memory(), {}, "readable"), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.memory()), Code::kOk);
}

TEST_P(BindingTest, what_peers_write_is_not_bound_and_the_other_way_round) {
  std::optional<Export> back{value_of(importer_.export_buffer("back", local_.page(2, 2)))};
  EXPECT_EQ(bind_ends(local_.memory()), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.page(0, 2)), Code::kOk);
  back.reset();
  const Binding binding = bind();
  EXPECT_FALSE(importer_.export_buffer("back", local_.page(2)));
  EXPECT_TRUE(
      importer_.export_buffer("front", local_.page(2), {.rights = {.write = false}}).has_value());
}

TEST_P(BindingTest, a_window_of_another_context_is_refused) {
  EXPECT_FALSE(exporter_.bind(local_.memory(), value_of(import_window("all"))));
}

TEST_P(BindingTest, bound_to_two_windows_it_appears_in_both) {
  Binding binding = bind();
  Binding other = bind({.offset = 8 * kPage, .interval_ns = kNeverNs});
  EXPECT_FALSE(other.told_of_stores()) << "the first is";
  store(kPage, 1);
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  ASSERT_NO_FATAL_FAILURE(expect_flushed(other));
  EXPECT_EQ(remote(kPage), 1U);
  EXPECT_EQ(remote(9 * kPage), 1U);
}

// One thread stores and flushes; what the exporter has after each flush is at least as new.
TEST_P(BindingTest, random_stores_lose_and_invent_nothing) {
  const std::uint64_t seed = testing::number_from("MAPWIRE_TEST_SEED", now_ns());
  const std::uint64_t rounds = testing::number_from("MAPWIRE_TEST_UPDATES", 200);
  SCOPED_TRACE("again with MAPWIRE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  Binding binding = bind({.interval_ns = 100'000});
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (std::uint64_t stores = random() % 300; stores != 0; --stores) {
      store(random() % (local_.memory().size() / 8) * 8, random());
    }
    ASSERT_NO_FATAL_FAILURE(expect_flushed(binding, round));
    ASSERT_TRUE(same()) << round;
  }
}

// While one thread stores without a pause: of each word a later value comes never before an
// earlier one, and after the last flush all is there.
TEST_P(BindingTest, stores_without_a_pause_arrive_in_the_order_of_each_word) {
  Binding binding = bind({.interval_ns = 100'000});
  std::jthread storing{[&](const std::stop_token& stop) {
    for (std::uint64_t value = 1; !stop.stop_requested(); ++value) {
      for (std::size_t at = 0; at < local_.memory().size(); at += 520) {
        std::atomic_ref{*reinterpret_cast<std::uint64_t*>(&local_.memory()[at])}.store(
            value, std::memory_order_relaxed);
      }
    }
  }};
  std::vector<std::uint64_t> seen(local_.memory().size() / 520 + 1);
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  for (unsigned round = 0; (round < 50 || seen[0] < 50) && now_ns() < until_ns; ++round) {
    ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
    for (std::size_t at = 0; at < local_.memory().size(); at += 520) {
      const std::uint64_t value =
          std::atomic_ref{*reinterpret_cast<std::uint64_t*>(&memory_.memory()[at])}.load();
      EXPECT_GE(value, seen[at / 520]) << at;
      seen[at / 520] = value;
    }
  }
  storing = {};
  ASSERT_NO_FATAL_FAILURE(expect_flushed(binding));
  EXPECT_TRUE(same());
  EXPECT_GE(remote(0), 50U);
}

INSTANTIATE_TEST_SUITE_P(nics, BindingTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
