// Automatic update: what is stored to bound memory appears in the window.
#include "mapwire/endpoints/binding.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/endpoints/binding_fixture.h"
#include "tests/environment.h"

namespace mapwire {
namespace {

using testing::kNeverNs;
using testing::kPage;
using testing::kPatienceNs;
using testing::next_completion;
using testing::value_of;

class BindingTest : public testing::BindingFixture {};

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
// Longer than a turn of who looks.
TEST_P(BindingTest, all_of_a_large_memory_is_looked_at) {
  const Pages local{3000};
  const Pages exported{3000};
  const Export big = value_of(exporter_.export_buffer("big", exported.memory()));
  Binding binding = value_of(importer_.bind(local.memory(), value_of(import_window("big"))));
  for (std::size_t page = 0; page < 3000; ++page) local.page(page)[8] = std::byte{1};
  expect_flushed(binding);
  EXPECT_TRUE(std::ranges::equal(local.memory(), exported.memory()));
  EXPECT_EQ(binding.counts().bytes, 3000U * 8);
}

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

// Nobody looks but the application's polls.
TEST_P(BindingTest, a_context_without_a_helper_thread_updates_when_it_is_polled) {
  Context single = value_of(Context::create(
      {.threads = Threads::kSingle, .nic = GetParam().nic, .address = host_ + ":0"}));
  Binding binding =
      value_of(single.bind(local_.memory(), value_of(single.import_buffer(address("all"))), {}));
  store(kPage, 7);
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  while (remote(kPage) != 7 && now_ns() < until_ns) single.poll({});
  EXPECT_EQ(remote(kPage), 7U);
  for (std::size_t at = 0; at < local_.memory().size(); at += 64) store(at, at + 1);
  ASSERT_EQ(binding.flush(1), Code::kOk);
  EXPECT_EQ(next_completion(single).status, Code::kOk);
  EXPECT_TRUE(same());
}

INSTANTIATE_TEST_SUITE_P(nics, BindingTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
