// Windows: export, import, and what importers do with the memory.
#include "mapwire/endpoints/window.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using testing::kSoonNs;
using testing::pattern;
using testing::value_of;

class WindowTest : public testing::WindowFixture {};
// A device pins what is exported.
class SoftWindowTest : public WindowTest {};

TEST_P(WindowTest, puts_and_gets_reach_the_memory_of_the_exporter) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  EXPECT_EQ(window.bytes(), memory_.memory().size());
  EXPECT_EQ(window.rights(), WindowRights{});
  await_imports(exported, 1);
  const auto source = pattern(10'000, 1);
  ASSERT_EQ(window.put(123, source, 1), Code::kOk);
  expect_done(window, 1);
  EXPECT_TRUE(std::ranges::equal(memory_.memory().subspan(123, source.size()), source));
  EXPECT_EQ(memory_.memory()[122], std::byte{0});
  EXPECT_EQ(memory_.memory()[123 + source.size()], std::byte{0});
  std::vector<std::byte> target(source.size());
  ASSERT_EQ(window.get(123, target, 2), Code::kOk);
  expect_done(window, 2);
  EXPECT_EQ(target, source);
}

TEST_P(WindowTest, atomics_need_their_right) {
  const Export exported = export_all("words", {.rights = {.atomics = true}});
  const Export other = export_all("none");
  Window window = value_of(import_window("words"));
  std::uint64_t original = 1;
  ASSERT_EQ(window.fetch_add(8, 5, original, 1), Code::kOk);
  expect_done(window, 1);
  EXPECT_EQ(original, 0U);
  ASSERT_EQ(window.compare_swap(8, 5, 7, original, 2), Code::kOk);
  expect_done(window, 2);
  EXPECT_EQ(original, 5U);
  // The exporter's thread has stored it, which no sanitizer knows to be over.
  EXPECT_EQ(std::atomic_ref{memory_.memory()[8]}.load(), std::byte{7});
  EXPECT_EQ(window.fetch_add(memory_.memory().size(), 1, original, 3), Code::kRemoteAccess);
  Window without = value_of(import_window("none"));
  EXPECT_EQ(without.fetch_add(8, 5, original, 3), Code::kRemoteAccess);
  EXPECT_EQ(without.compare_swap(8, 5, 6, original, 3), Code::kRemoteAccess);
}

TEST_P(WindowTest, what_reaches_out_of_the_buffer_is_refused_and_the_window_lives) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  std::array<std::byte, 8> word{};
  const std::uint64_t bytes = window.bytes();
  for (const std::uint64_t offset : {bytes - 7, bytes, bytes + 1, UINT64_MAX, UINT64_MAX - 7}) {
    EXPECT_EQ(window.put(offset, word, 1), Code::kRemoteAccess) << offset;
    EXPECT_EQ(window.get(offset, word, 1), Code::kRemoteAccess) << offset;
  }
  EXPECT_EQ(window.put(bytes - 8, word, 2), Code::kOk);
  expect_done(window, 2);
}

TEST_P(WindowTest, rights_are_the_exporters) {
  const Export readable = export_all("r", {.rights = {.write = false}});
  const Export writable = export_all("w", {.rights = {.read = false}});
  std::array<std::byte, 300> bytes{};
  Window reader = value_of(import_window("r"));
  EXPECT_EQ(reader.put(0, bytes, 1), Code::kRemoteAccess);
  EXPECT_EQ(reader.get(0, bytes, 1), Code::kOk);
  expect_done(reader, 1);
  Window writer = value_of(import_window("w"));
  EXPECT_EQ(writer.get(0, bytes, 1), Code::kRemoteAccess);
  EXPECT_EQ(writer.put(0, bytes, 2), Code::kOk);
  expect_done(writer, 2);
}

TEST_P(WindowTest, an_import_waits_for_its_export) {
  auto waiting = std::async(std::launch::async, [this] { return import_window("late"); });
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  const Export exported = export_all("late");
  EXPECT_TRUE(waiting.get());
}

TEST_P(WindowTest, wrong_names_and_tokens_are_refused) {
  const Export exported = export_all("secret", {.token = "sesame"});
  EXPECT_EQ(import_ends("secret"), Code::kPermission);
  EXPECT_EQ(import_ends("secret", "sesamE"), Code::kPermission);
  EXPECT_EQ(import_ends("secret", "sesame2"), Code::kPermission);
  EXPECT_EQ(import_ends("Secret", "sesame"), Code::kNotExported);
  EXPECT_EQ(import_ends("secret", "sesame"), Code::kOk);
  EXPECT_EQ(import_ends(""), Code::kBadOption);
  const auto unnamed = importer_.import_buffer(host_ + ":" + std::to_string(listener_.port()));
  EXPECT_EQ(unnamed.error().code, Code::kBadOption);
  const auto rdma = importer_.import_buffer("rdma://" + host_ + "/secret");
  EXPECT_EQ(rdma.error().code, Code::kBadOption);
}

TEST_P(WindowTest, bad_exports_are_refused) {
  const Export exported = export_all("taken");
  for (const std::string& name : {std::string{"taken"}, std::string{}, std::string{"a b"},
                                  std::string{"tab\t"}, std::string(256, 'x')}) {
    const auto again = exporter_.export_buffer(name, memory_.memory());
    ASSERT_FALSE(again) << name;
    EXPECT_EQ(again.error().code, Code::kInvalidArgument);
  }
  EXPECT_EQ(exporter_.export_buffer("empty", {}).error().code, Code::kInvalidArgument);
  const testing::Pages with_a_hole{3};
  ::munmap(with_a_hole.page(1).data(), tlb::kPageBytes);
  const auto holed = exporter_.export_buffer("holed", with_a_hole.memory());
  EXPECT_EQ(holed.error().code, Code::kInvalidArgument);
  EXPECT_TRUE(exporter_.export_buffer("last", with_a_hole.page(2)));
  const auto token =
      exporter_.export_buffer("token", memory_.memory(), {.token = std::string(256, 'x')});
  EXPECT_EQ(token.error().code, Code::kInvalidArgument);
  EXPECT_TRUE(exporter_.export_buffer(std::string(255, 'x'), memory_.memory()));
}

TEST_P(WindowTest, nothing_lands_after_the_end_of_the_export) {
  std::optional<Export> exported{export_all()};
  Window window = value_of(import_window("all"));
  Window other = value_of(import_window("all"));
  await_imports(*exported, 2);
  const std::vector<std::byte> ones(memory_.memory().size(), std::byte{1});
  for (std::uint64_t i = 0; i < 20; ++i) (void)window.put(0, ones, i);
  exported.reset();
  std::ranges::fill(memory_.memory(), std::byte{0});
  await_death(window);
  await_death(other);
  EXPECT_EQ(window.error()->code, Code::kPeerClosed);
  EXPECT_EQ(std::ranges::count(memory_.memory(), std::byte{1}), 0);
  EXPECT_EQ(import_ends("all"), Code::kNotExported);
  const Export again = export_all();
  EXPECT_EQ(import_ends("all"), Code::kOk);
}

TEST_P(WindowTest, an_importer_that_goes_is_forgotten) {
  const Export exported = export_all();
  {
    const Window window = value_of(import_window("all"));
    await_imports(exported, 1);
  }
  await_imports(exported, 0);
}

TEST_P(WindowTest, nobody_else_accepts_an_import) {
  const Export exported = export_all();
  const Window window = value_of(import_window("all"));
  EXPECT_EQ(listener_.accept(kSoonNs).error().code, Code::kTimeout);
}

TEST_P(SoftWindowTest, memory_that_was_unmapped_is_refused) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  ASSERT_NE(::mmap(memory_.page(3).data(), tlb::kPageBytes, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
            MAP_FAILED);
  std::vector<std::byte> bytes(window.bytes());
  ASSERT_EQ(window.get(0, std::span{bytes}.first(3 * tlb::kPageBytes), 1), Code::kOk);
  expect_done(window, 1);
  ASSERT_EQ(window.get(0, bytes, 2), Code::kOk);
  expect_done(window, 2, Code::kRemoteAccess);
}

// A terabyte of addresses: neither pinned nor touched by the export.
TEST_P(SoftWindowTest, an_export_costs_nothing_before_it_is_used) {
  constexpr std::size_t kBytes = std::size_t{1} << 40;
  void* const reserved = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) GTEST_SKIP() << "no terabyte of addresses here";
  const std::span<std::byte> memory{static_cast<std::byte*>(reserved), kBytes};
  {
    const Export exported = value_of(exporter_.export_buffer("huge", memory));
    Window window = value_of(import_window("huge"));
    const auto source = pattern(5000, 2);
    ASSERT_EQ(window.put(kBytes - 5000, source, 1), Code::kOk);
    expect_done(window, 1);
    EXPECT_TRUE(std::ranges::equal(memory.last(5000), source));
  }
  ::munmap(reserved, kBytes);
}

INSTANTIATE_TEST_SUITE_P(nics, WindowTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);
INSTANTIATE_TEST_SUITE_P(nics, SoftWindowTest, ::testing::Values(testing::kSoftWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
