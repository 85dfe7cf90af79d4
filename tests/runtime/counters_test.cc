#include "mapwire/runtime/counters.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/proto/counter_layout.h"
#include "mapwire/runtime/detail/counter_directory.h"
#include "tests/runtime/counter_block.h"

namespace mapwire {
namespace {

using ::testing::ElementsAre;

// NOLINTNEXTLINE(readability-identifier-naming): matchers are named as gmock's own.
MATCHER_P2(Counts, name, value, "") {
  return arg.name == name && arg.value == std::uint64_t(value);
}

std::vector<CounterValue> read_own() {
  auto values = CounterBlock::read(getpid());
  EXPECT_TRUE(values.has_value()) << values.error().message;
  return std::move(*values);
}

TEST(Counter, a_default_made_one_counts_nothing) {
  Counter counter;
  counter.add(5);
  EXPECT_EQ(counter.value(), 0U);
}

TEST(CounterBlock, counters_are_read_in_order_of_creation) {
  auto block = testing::make_counter_block();
  auto sent = block->counter("nic.packets_sent");
  auto lost = block->counter("nic.lost");
  sent.add();
  sent.add(41);
  EXPECT_EQ(sent.value(), 42U);
  EXPECT_EQ(lost.value(), 0U);
  EXPECT_THAT(read_own(), ElementsAre(Counts("counters.refused", 0), Counts("nic.packets_sent", 42),
                                      Counts("nic.lost", 0)));
}

TEST(CounterBlock, the_same_name_gives_the_same_counter) {
  auto block = testing::make_counter_block();
  block->counter("a").add(1);
  block->counter("a").add(2);
  EXPECT_EQ(block->counter("a").value(), 3U);
}

TEST(CounterBlock, names_that_are_none_are_refused_and_that_is_counted) {
  auto block = testing::make_counter_block();
  const std::string longest(47, 'x');
  block->counter(longest).add();
  EXPECT_EQ(block->counter(longest).value(), 1U);
  for (const std::string& name : {std::string(48, 'x'), std::string{}, std::string{"Upper"},
                                  std::string{"a b"}, std::string{"a\0b", 3}}) {
    auto counter = block->counter(name);
    counter.add();
    EXPECT_EQ(counter.value(), 0U) << name;
  }
  EXPECT_EQ(block->counter("counters.refused").value(), 5U);
}

TEST(CounterBlock, a_full_block_refuses_and_goes_on) {
  auto block = testing::make_counter_block();
  for (unsigned i = 1; i < proto::kCountersMax; ++i) {
    block->counter("c" + std::to_string(i)).add(i);
  }
  block->counter("one_too_many").add();
  EXPECT_EQ(block->counter("counters.refused").value(), 1U);
  EXPECT_EQ(block->counter("c1022").value(), 1022U);
  EXPECT_EQ(read_own().size(), proto::kCountersMax);
}

TEST(CounterBlock, several_blocks_of_a_process_are_added_up) {
  auto first = testing::make_counter_block();
  auto second = testing::make_counter_block();
  first->counter("a").add(1);
  second->counter("b").add(10);
  second->counter("a").add(100);
  EXPECT_THAT(read_own(),
              ElementsAre(Counts("counters.refused", 0), Counts("a", 101), Counts("b", 10)));
}

TEST(CounterBlock, destroying_it_removes_the_file) {
  testing::make_counter_block();
  EXPECT_EQ(CounterBlock::read(getpid()).error().code, Code::kInvalidArgument);
}

TEST(CounterBlock, the_file_is_for_its_user_only) {
  auto block = testing::make_counter_block();
  struct stat status{};
  ASSERT_EQ(stat(detail::counter_directory_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST(CounterBlock, a_child_of_fork_does_not_remove_the_file_of_its_parent) {
  auto block = testing::make_counter_block();
  const pid_t child = fork();
  if (child == 0) {
    block.reset();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(CounterBlock::read(getpid()).has_value());
}

TEST(CounterBlock, that_of_a_killed_process_is_still_read) {
  const pid_t child = fork();
  if (child == 0) {
    auto block = CounterBlock::create();
    if (!block) _exit(1);
    (*block)->counter("last_words").add(7);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto values = CounterBlock::read(child);
  ASSERT_TRUE(values.has_value()) << values.error().message;
  EXPECT_THAT(*values, ElementsAre(Counts("counters.refused", 0), Counts("last_words", 7)));
  // Not to be left behind by a test.
  auto directory = detail::open_counter_directory();
  for (const auto& name : detail::list_counter_files(directory->get())) {
    if (name.pid == child) unlinkat(directory->get(), to_string(name).c_str(), 0);
  }
}

TEST(CounterBlock, a_process_without_counters_is_an_error) {
  auto values = CounterBlock::read(-1);
  ASSERT_FALSE(values.has_value());
  EXPECT_EQ(values.error().code, Code::kInvalidArgument);
}

// The copy of a file with two counters.
std::vector<std::byte> file_bytes() {
  auto block = testing::make_counter_block();
  block->counter("a").add(1);
  auto directory = detail::open_counter_directory();
  std::vector<std::byte> bytes(sizeof(proto::CounterFile));
  for (const auto& name : detail::list_counter_files(directory->get())) {
    if (name.pid != getpid()) continue;
    UniqueFd file{openat(directory->get(), to_string(name).c_str(), O_RDONLY)};
    EXPECT_EQ(read(file.get(), bytes.data(), bytes.size()), std::ssize(bytes));
  }
  return bytes;
}

template <class Field>
std::vector<std::byte> with(std::vector<std::byte> bytes, std::size_t offset, Field value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
  return bytes;
}

TEST(CounterFile, what_its_owner_never_writes_is_refused) {
  const auto good = file_bytes();
  ASSERT_TRUE(CounterBlock::parse(good).has_value());
  const std::vector<std::vector<std::byte>> bad{
      {},
      std::vector<std::byte>(63),
      std::vector<std::byte>(good.begin(), good.end() - 1),
      std::vector<std::byte>(good.size()),
      with(good, 0, std::uint64_t{1}),             // magic
      with(good, 8, std::uint32_t{2}),             // version
      with(good, 24, std::uint32_t{1024}),         // count
      with(good, 24, std::uint32_t{0xffff'ffff}),  // count
      with(good, 24, std::uint32_t{3}),            // the third has no name
      with(good, 64 + 8, 'A'),                     // first name
      with(good, 64 + 8, '\n'),
  };
  for (std::size_t i = 0; i < bad.size(); ++i) {
    auto values = CounterBlock::parse(bad[i]);
    ASSERT_FALSE(values.has_value()) << i;
    EXPECT_EQ(values.error().code, Code::kBadFile) << i;
  }
}

TEST(CounterFile, a_name_without_its_end_is_refused) {
  auto bytes = file_bytes();
  for (std::size_t i = 0; i < proto::kCounterNameBytes; ++i) bytes[64 + 8 + i] = std::byte{'x'};
  EXPECT_EQ(CounterBlock::parse(bytes).error().code, Code::kBadFile);
}

// A directory of its own, as other processes of this user work in the common one.
class CounterDirectory : public ::testing::Test {
 public:
  CounterDirectory() : path_{"/tmp/mapwire_counters_XXXXXX"} {
    directory_ = UniqueFd{open(mkdtemp(path_.data()), O_RDONLY | O_DIRECTORY)};
  }
  ~CounterDirectory() override {
    for (const auto& name : names()) unlinkat(directory_.get(), to_string(name).c_str(), 0);
    unlinkat(directory_.get(), "README", 0);
    rmdir(path_.c_str());
  }

 protected:
  UniqueFd make(const std::string& name) {
    return UniqueFd{openat(directory_.get(), name.c_str(), O_CREAT | O_RDWR, 0600)};
  }
  std::vector<detail::CounterFileName> names() {
    return detail::list_counter_files(directory_.get());
  }
  std::string path_;
  UniqueFd directory_;
};

TEST_F(CounterDirectory, dead_files_but_the_newest_are_removed_and_the_living_stay) {
  UniqueFd living = make("5.100.0");
  ASSERT_EQ(flock(living.get(), LOCK_EX | LOCK_NB), 0);
  for (const char* name : {"1.200.0", "2.300.0", "9.400.0", "9.400.1"}) make(name);
  detail::remove_dead_counter_files(directory_.get(), 2);
  std::vector<std::string> left;
  for (const auto& name : names()) left.push_back(to_string(name));
  EXPECT_THAT(left, ElementsAre("5.100.0", "9.400.0", "9.400.1"));
}

TEST_F(CounterDirectory, files_of_other_names_are_left_alone) {
  make("README");
  detail::remove_dead_counter_files(directory_.get(), 0);
  EXPECT_EQ(faccessat(directory_.get(), "README", F_OK, 0), 0);
}

TEST(CounterFileName, is_read_back_and_nothing_else_is_one) {
  const detail::CounterFileName name{.process_start = 77, .pid = 12, .sequence = 3};
  EXPECT_EQ(to_string(name), "12.77.3");
  EXPECT_EQ(detail::parse_counter_file_name("12.77.3"), name);
  for (const char* text : {"", "12", "12.77", "12.77.", "12.77.3.", "12.77.3x", "-1.77.3", ".77.3",
                           "99999999999.77.3", "12. 77.3", "..", "."}) {
    EXPECT_EQ(detail::parse_counter_file_name(text), std::nullopt) << text;
  }
}

TEST(ProcessStart, is_known_and_does_not_change) {
  EXPECT_GT(detail::own_process_start(), 0U);
  EXPECT_EQ(detail::own_process_start(), detail::own_process_start());
}

}  // namespace
}  // namespace mapwire
