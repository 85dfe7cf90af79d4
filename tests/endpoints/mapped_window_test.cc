// Windows of memory that importers of this host map: what is different from the wire.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <fstream>
#include <future>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "mapwire/endpoints/detail/mapped_window.h"
#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/endpoints/window_memory.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using testing::pattern;
using testing::value_of;

// Of the file that is mapped there.
std::string inode_at(const void* address) {
  const std::string start = fmt::format("{:x}-", reinterpret_cast<std::uintptr_t>(address));
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words{line};
    std::string range, rights, offset, device, inode;
    words >> range >> rights >> offset >> device >> inode;
    if (range.starts_with(start)) return inode;
  }
  return "nowhere";
}

// On the wire shm alone.
class MappedWindowTest : public testing::WindowFixture {};

TEST_P(MappedWindowTest, a_put_is_there_when_its_post_returns) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  ASSERT_TRUE(window.mapped());
  for (const std::size_t bytes : {1U, 8U, 4096U, 50'000U}) {
    const auto source = pattern(bytes, 5);
    ASSERT_EQ(window.put(77, source, bytes), Code::kOk);
    EXPECT_TRUE(std::ranges::equal(memory_.memory().subspan(77, bytes), source));
    expect_done(window, bytes);
  }
}

TEST_P(MappedWindowTest, what_follows_a_notification_under_way_comes_after_it) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  await_imports(exported, 1);
  std::vector<std::byte> source(50'000);
  for (std::uint32_t round = 1; round < 100; ++round) {
    std::ranges::fill(source, static_cast<std::byte>(round));
    const std::byte later{0xff};
    ASSERT_EQ(window.put_notify(0, source, round, 1), Code::kOk);
    ASSERT_EQ(window.put(source.size() - 1, std::span{&later, 1}, 2), Code::kOk);
    expect_done(window, 1);
    expect_done(window, 2);
    EXPECT_EQ(memory_.memory()[source.size() - 1], later) << round;
    EXPECT_EQ(testing::next_completion(exporter_).immediate, round);
  }
}

TEST_P(MappedWindowTest, rights_that_the_processor_does_not_know_take_the_wire) {
  const struct {
    WindowRights rights;
    bool mapped = false;
  } cases[] = {
      {.rights = {.read = true, .write = true, .atomics = true}, .mapped = true},
      {.rights = {.read = true, .write = false, .atomics = false}, .mapped = true},
      {.rights = {.read = false, .write = true, .atomics = false}, .mapped = false},
      {.rights = {.read = true, .write = false, .atomics = true}, .mapped = false},
  };
  for (const auto& [rights, mapped] : cases) {
    const Export exported = export_all("some", {.rights = rights});
    const Window window = value_of(import_window("some"));
    EXPECT_EQ(window.mapped(), mapped) << rights.read << rights.write << rights.atomics;
  }
}

TEST_P(MappedWindowTest, the_end_of_an_export_keeps_what_was_written) {
  const auto source = pattern(5000, 3);
  {
    const Export exported = export_all();
    Window window = value_of(import_window("all"));
    ASSERT_EQ(window.put(123, source, 1), Code::kOk);
    expect_done(window, 1);
  }
  EXPECT_TRUE(std::ranges::equal(memory_.memory().subspan(123, source.size()), source));
  EXPECT_EQ(std::ranges::count(memory_.memory().last(4096), std::byte{0}), 4096);
}

// As if the news of the end had not come: the connection still lives.
TEST_P(MappedWindowTest, a_put_after_the_end_says_that_it_did_not_arrive) {
  std::optional<Export> exported{export_all()};
  Window window = value_of(import_window("all"));
  const std::array<std::byte, 8> ones{std::byte{1}};
  exported.reset();
  std::uint64_t failed = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (window.put(0, ones, i) != Code::kOk) break;
    const Completion done = testing::next_completion(importer_);
    ASSERT_NE(done.status, Code::kOk);
    ++failed;
  }
  EXPECT_GT(failed, 0U);
  EXPECT_EQ(memory_.memory()[0], std::byte{0});
}

TEST_P(MappedWindowTest, an_export_that_is_refused_leaves_the_memory_where_it_is) {
  const WindowMemory memory = value_of(WindowMemory::create(4096));
  const Export taken = export_all("taken");
  const std::string before = inode_at(memory.memory().data());
  EXPECT_FALSE(exporter_.export_buffer("taken", memory));
  EXPECT_EQ(inode_at(memory.memory().data()), before);
  {
    const Export exported = value_of(exporter_.export_buffer("free", memory));
  }
  EXPECT_NE(inode_at(memory.memory().data()), before);
}

TEST_P(MappedWindowTest, memory_is_mapped_for_one_export_at_a_time) {
  const WindowMemory memory = value_of(WindowMemory::create(10));
  EXPECT_EQ(memory.memory().size(), 10U);
  {
    const Export exported = value_of(exporter_.export_buffer("once", memory));
    const auto again = exporter_.export_buffer("twice", memory);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::kInvalidArgument);
    EXPECT_TRUE(exporter_.export_buffer("twice", memory.memory()));
  }
  EXPECT_TRUE(exporter_.export_buffer("twice", memory));
}

std::expected<detail::MappedWindow, Error> mapped_by_importer(const detail::SharedPages& shared,
                                                              std::uint64_t bytes,
                                                              const WindowRights& rights = {}) {
  const UniqueFd notice{::dup(shared.notice.fd())};
  return detail::MappedWindow::map(shared.memory, notice,
                                   {.memory = {.bytes = bytes}, .rights = rights});
}

// Counts a word in the middle of a mebibyte up; the last number of which it knows that it is there.
std::uint64_t store_until_told(const detail::MappedWindow& mapped, std::atomic<bool>& runs) {
  std::atomic_ref word{*reinterpret_cast<std::uint64_t*>(mapped.at(std::size_t{1} << 19))};
  for (std::uint64_t number = 1;; ++number) {
    word.store(number, std::memory_order_relaxed);
    if (mapped.ended()) return number - 1;
    runs.store(true, std::memory_order_relaxed);
  }
}

INSTANTIATE_TEST_SUITE_P(nics, MappedWindowTest, ::testing::Values(testing::kMappableWindow),
                         testing::column_name);

// What an importer gets of memory that it may read.
TEST(WindowMemory, is_not_written_by_who_may_read_it) {
  const auto memory = value_of(WindowMemory::Impl::create(4096));
  const auto shared = value_of(memory->share(Sharing::kReadOnly));
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared->memory.get(), 0),
            MAP_FAILED);
  EXPECT_EQ(::pwrite(shared->memory.get(), "x", 1, 0), -1);
  EXPECT_EQ(::fallocate(shared->memory.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
            -1);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared->notice.fd(), 0),
            MAP_FAILED);
  memory->withdraw();
}

// Whoever keeps what it got writes into nobody's memory: one that was stopped, say, or that does
// not care what it is told.
TEST(WindowMemory, that_was_withdrawn_is_out_of_reach_of_who_had_it) {
  const auto memory = value_of(WindowMemory::Impl::create(8192));
  std::byte* const first = memory->memory().data();
  first[5000] = std::byte{5};
  for (int round = 0; round < 3; ++round) {
    const auto shared = value_of(memory->share(Sharing::kReadWrite));
    const auto theirs = Mapping::of(shared->memory.get(), 8192, Sharing::kReadWrite);
    ASSERT_TRUE(theirs);
    theirs->memory()[1] = static_cast<std::byte>(round);
    EXPECT_EQ(memory->memory()[1], static_cast<std::byte>(round));
    EXPECT_EQ(shared->told().ended, 0U);
    memory->withdraw();
    EXPECT_EQ(shared->told().ended, 1U);
    theirs->memory()[1] = std::byte{99};
    EXPECT_EQ(memory->memory().data(), first);
    EXPECT_EQ(memory->memory()[1], static_cast<std::byte>(round));
    EXPECT_EQ(memory->memory()[5000], std::byte{5});
  }
}

TEST(WindowMemory, tells_who_has_it_mapped_that_it_was_withdrawn) {
  const auto memory = value_of(WindowMemory::Impl::create(4096));
  const auto shared = value_of(memory->share(Sharing::kReadWrite));
  const auto mapped = value_of(mapped_by_importer(*shared, 4096));
  EXPECT_FALSE(mapped.ended());
  memory->withdraw();
  EXPECT_TRUE(mapped.ended());
}

// Either the importer is told in time, or what it stored is there.
TEST(WindowMemory, has_what_was_stored_before_the_news) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const auto memory = value_of(WindowMemory::Impl::create(kBytes));
  std::ranges::fill(memory->memory(), std::byte{1});
  auto* const word = reinterpret_cast<std::uint64_t*>(&memory->memory()[kBytes / 2]);
  std::uint64_t kept = 0;
  for (int round = 0; round < 300; ++round) {
    std::atomic_ref{*word}.store(0);
    const auto shared = value_of(memory->share(Sharing::kReadWrite));
    const auto mapped = value_of(mapped_by_importer(*shared, kBytes));
    std::atomic<bool> runs = false;
    auto stores = std::async(std::launch::async, [&] { return store_until_told(mapped, runs); });
    while (!runs) std::this_thread::yield();
    memory->withdraw();
    const std::uint64_t last_good = stores.get();
    ASSERT_GE(std::atomic_ref{*word}.load(), last_good) << round;
    kept += last_good;
  }
  EXPECT_GT(kept, 0U);
}

TEST(WindowMemory, of_a_peer_is_mapped_only_if_no_access_can_fault) {
  const UniqueFd growing{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  ASSERT_EQ(::ftruncate(growing.get(), 4096), 0);
  EXPECT_EQ(Mapping::of_peer(growing, 4096, Sharing::kReadWrite).error().code,
            Code::kProtocolError);
  const auto memory = value_of(WindowMemory::Impl::create(4096));
  const auto shared = value_of(memory->share(Sharing::kReadWrite));
  EXPECT_FALSE(Mapping::of_peer(shared->memory, 8192, Sharing::kReadWrite));
  EXPECT_FALSE(mapped_by_importer(*shared, 4097));
  EXPECT_FALSE(mapped_by_importer(*shared, UINT64_MAX));
  // Atomics of the processor fault on what is mapped for reading.
  EXPECT_FALSE(mapped_by_importer(*shared, 4096, {.write = false, .atomics = true}));
  EXPECT_TRUE(mapped_by_importer(*shared, 4096));
  const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  EXPECT_FALSE(Mapping::of_peer(file, 4096, Sharing::kReadOnly));
  memory->withdraw();
}

}  // namespace
}  // namespace mapwire
