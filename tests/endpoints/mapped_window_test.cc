// Windows of memory that importers of this host map: what is different from the wire.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "mapwire/endpoints/detail/mapped_window.h"
#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/endpoints/window_memory.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using testing::pattern;
using testing::value_of;

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
    bool mapped;
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

TEST(WindowMemory, of_a_peer_is_mapped_only_if_no_access_can_fault) {
  const UniqueFd growing{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  ASSERT_EQ(::ftruncate(growing.get(), 4096), 0);
  EXPECT_EQ(Mapping::of_peer(growing, 4096, Sharing::kReadWrite).error().code,
            Code::kProtocolError);
  const auto memory = value_of(WindowMemory::Impl::create(4096));
  const auto shared = value_of(memory->share(Sharing::kReadWrite));
  EXPECT_FALSE(Mapping::of_peer(shared->memory, 8192, Sharing::kReadWrite));
  EXPECT_FALSE(detail::MappedWindow::map(shared->memory, shared->memory,
                                         {.memory = {.bytes = 4097}, .rights = {}}));
  EXPECT_TRUE(detail::MappedWindow::map(shared->memory, UniqueFd{::dup(shared->notice.fd())},
                                        {.memory = {.bytes = 4096}, .rights = {}}));
  memory->withdraw();
}

}  // namespace
}  // namespace mapwire
