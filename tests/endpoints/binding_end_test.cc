// Bindings that end or fail, and what can not be bound.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "mapwire/endpoints/binding.h"
#include "tests/endpoints/binding_fixture.h"

namespace mapwire {
namespace {

using testing::kPage;
using testing::kPatienceNs;
using testing::next_completion;
using testing::Pages;
using testing::value_of;

class BindingEndTest : public testing::BindingFixture {};

TEST_P(BindingEndTest, its_end_completes_flushes_and_reads_the_memory_no_more) {
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

TEST_P(BindingEndTest, its_end_completes_flushes_that_wait_for_their_puts) {
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

TEST_P(BindingEndTest, the_memory_can_be_bound_again_at_once) {
  std::optional<Binding> binding{bind()};
  const bool told = binding->told_of_stores();
  binding.reset();
  EXPECT_EQ(bind().told_of_stores(), told);
}

TEST_P(BindingEndTest, a_window_with_accesses_under_way_is_not_bound) {
  Window window = value_of(import_window("all"));
  ASSERT_EQ(window.put(0, local_.page(0), 7), Code::kOk);
  const EndpointId id = window.id();
  const auto refused = importer_.bind(local_.memory(), std::move(window));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  const Completion done = next_completion(importer_);
  EXPECT_EQ(done.endpoint, id);
  EXPECT_EQ(done.cookie, 7U);
}

TEST_P(BindingEndTest, the_end_of_the_export_fails_it) {
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

TEST_P(BindingEndTest, memory_that_goes_fails_it_and_nothing_else) {
  const Pages local{4};
  // Flushes look, and nobody between a store and the change after it.
  const BindOptions seldom{.interval_ns = testing::kSecondNs};
  Binding unmapped =
      value_of(importer_.bind(local.page(0, 2), value_of(import_window("all")), seldom));
  Binding unreadable =
      value_of(importer_.bind(local.page(2, 2), value_of(import_window("all")), seldom));
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

TEST_P(BindingEndTest, what_can_not_be_bound_is_refused) {
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

TEST_P(BindingEndTest, what_peers_write_is_not_bound_and_the_other_way_round) {
  std::optional<Export> back{value_of(importer_.export_buffer("back", local_.page(2, 2)))};
  EXPECT_EQ(bind_ends(local_.memory()), Code::kInvalidArgument);
  EXPECT_EQ(bind_ends(local_.page(0, 2)), Code::kOk);
  back.reset();
  const Binding binding = bind();
  EXPECT_FALSE(importer_.export_buffer("back", local_.page(2)));
  EXPECT_TRUE(
      importer_.export_buffer("front", local_.page(2), {.rights = {.write = false}}).has_value());
}

TEST_P(BindingEndTest, a_window_of_another_context_is_refused) {
  EXPECT_FALSE(exporter_.bind(local_.memory(), value_of(import_window("all"))));
}

INSTANTIATE_TEST_SUITE_P(nics, BindingEndTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
