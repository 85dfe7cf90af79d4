#include "mapwire/runtime/counter_reader.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/detail/counter_directory.h"
#include "tests/runtime/counter_block.h"

namespace mapwire {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Above every pid_max; of this test alone, as others run beside it.
std::int32_t no_process() { return 2'000'000'000 + getpid(); }

std::vector<std::int32_t> listed() {
  auto pids = list_counted_processes();
  EXPECT_TRUE(pids.has_value()) << pids.error().message;
  return std::move(*pids);
}

// A file of no_process() in the directory of counter files, which goes with this object. It is
// locked: as one of the dead it could be removed by any process that counts.
class LeftFile {
 public:
  LeftFile(std::uint64_t process_start, const std::string& content)
      : name_{to_string(detail::CounterFileName{
            .process_start = process_start, .pid = no_process(), .sequence = 0})} {
    auto directory = detail::open_counter_directory();
    EXPECT_TRUE(directory.has_value());
    directory_ = std::move(*directory);
    file_ = UniqueFd{openat(directory_.get(), name_.c_str(), O_CREAT | O_WRONLY, 0600)};
    EXPECT_EQ(flock(file_.get(), LOCK_EX | LOCK_NB), 0);
    EXPECT_EQ(write(file_.get(), content.data(), content.size()), std::ssize(content));
  }
  LeftFile(const LeftFile&) = delete;
  LeftFile& operator=(const LeftFile&) = delete;
  ~LeftFile() { unlinkat(directory_.get(), name_.c_str(), 0); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  UniqueFd directory_;
  UniqueFd file_;
};

TEST(CounterReader, contexts_of_a_process_are_told_apart) {
  auto first = testing::make_counter_block();
  auto second = testing::make_counter_block();
  first->counter("a").add(1);
  second->counter("a").add(2);
  const auto process = read_counters(getpid());
  ASSERT_TRUE(process.has_value()) << process.error().message;
  EXPECT_EQ(process->pid, getpid());
  EXPECT_TRUE(process->alive);
  EXPECT_EQ(process->program, "runtime_tests");
  ASSERT_EQ(process->contexts.size(), 2U);
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(process->contexts[i].context, i);
    EXPECT_EQ(process->contexts[i].counters.at(1).value, i + 1);
  }
}

TEST(CounterReader, a_process_is_listed_once_while_it_has_counters) {
  EXPECT_THAT(listed(), Not(Contains(getpid())));
  auto first = testing::make_counter_block();
  auto second = testing::make_counter_block();
  EXPECT_THAT(listed(), Contains(getpid()).Times(1));
}

TEST(CounterReader, a_killed_process_is_dead_and_has_no_program) {
  const pid_t child = fork();
  if (child == 0) {
    auto block = CounterBlock::create();
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  const auto process = read_counters(child);
  ASSERT_TRUE(process.has_value()) << process.error().message;
  EXPECT_FALSE(process->alive);
  EXPECT_EQ(process->program, "");
  // Not to be left behind by a test.
  auto directory = detail::open_counter_directory();
  for (const auto& name : detail::list_counter_files(directory->get())) {
    if (name.pid == child) unlinkat(directory->get(), to_string(name).c_str(), 0);
  }
}

TEST(CounterReader, a_damaged_file_is_named) {
  for (const std::string& content :
       {std::string{}, std::string{"garbage"}, std::string(65536, 'x'), std::string(65537, '\0')}) {
    const LeftFile file{5, content};
    const auto process = read_counters(no_process());
    ASSERT_FALSE(process.has_value()) << content.size();
    EXPECT_EQ(process.error().code, Code::kBadFile);
    EXPECT_THAT(process.error().message, HasSubstr("/" + file.name() + ": it "));
    EXPECT_THAT(listed(), Contains(no_process()));
  }
}

TEST(CounterReader, of_two_processes_of_one_pid_the_younger_counts) {
  const LeftFile old{5, "garbage"};
  const LeftFile young{6, ""};
  EXPECT_THAT(read_counters(no_process()).error().message, HasSubstr(young.name()));
  EXPECT_THAT(listed(), Contains(no_process()).Times(1));
}

TEST(CounterReader, what_is_no_file_is_an_error) {
  auto directory = detail::open_counter_directory();
  const std::string name = std::to_string(no_process()) + ".5.0";
  ASSERT_EQ(mkdirat(directory->get(), name.c_str(), 0700), 0);
  EXPECT_EQ(read_counters(no_process()).error().code, Code::kSystemCall);
  unlinkat(directory->get(), name.c_str(), AT_REMOVEDIR);
}

TEST(CounterReader, no_process_and_one_without_counters_are_told_apart) {
  const auto none = read_counters(no_process());
  EXPECT_EQ(none.error().code, Code::kInvalidArgument);
  EXPECT_THAT(none.error().message, HasSubstr("does not exist"));
  const auto idle = read_counters(getpid());
  EXPECT_EQ(idle.error().code, Code::kInvalidArgument);
  EXPECT_THAT(idle.error().message, HasSubstr("has no mapwire context now"));
}

TEST(CounterReader, counters_of_another_users_process_are_out_of_reach) {
  constexpr uid_t kNobody = 65534;
  const bool is_root = geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  const auto values = read_counters(1);  // init's, who is root
  if (is_root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_EQ(values.error().code, Code::kPermission) << values.error().message;
  EXPECT_THAT(values.error().message, HasSubstr("mapwire stat 1"));
}

}  // namespace
}  // namespace mapwire
