// The library changes nothing of the process that it is in.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/test_seam.h"
#include "tests/endpoints/pair.h"
#include "tests/pinning_nic.h"
#include "tests/sanitized.h"

namespace mapwire {
namespace {

// Of everything executable, by the line of /proc/self/maps: the code of the program and of its
// libraries.
std::vector<std::pair<std::string, std::string>> code() {
  std::vector<std::pair<std::string, std::string>> result;
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (line.find("r-xp") == std::string::npos || line.find('/') == std::string::npos ||
        std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) {  // NOLINT(cert-err34-c)
      continue;
    }
    result.emplace_back(line, std::string{reinterpret_cast<const char*>(begin), end - begin});
  }
  return result;
}

std::vector<struct sigaction> signal_actions() {
  std::vector<struct sigaction> actions(NSIG);
  for (int number = 1; number < NSIG; ++number) {
    ::sigaction(number, nullptr, &actions[static_cast<std::size_t>(number)]);
  }
  return actions;
}

bool same(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags;
}

std::string_view home_of(const void* function) {
  Dl_info info{};
  return ::dladdr(function, &info) != 0 ? info.dli_fname : "";
}

void send_the_same_memory_again_and_again() {
  if (testing::make_pinning_soft_nic()) {
    detail::test_seam().wrap_nic = [](std::unique_ptr<Nic> nic) {
      return testing::value_of(testing::make_pinning_nic(std::move(nic)));
    };
  }
  testing::Pair pair = testing::make_pair();
  detail::test_seam() = {};
  const std::vector<std::byte> message = testing::pattern(100'000, 1);
  std::vector<std::byte> buffer(message.size());
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(pair.accepted.post_receive(buffer, 1), Code::kOk);
    Code posted = Code::kWouldBlock;
    while (posted == Code::kWouldBlock) {  // until the peer's credits come
      pair.client.poll({});
      posted = pair.connected.post_send(message, 2);
    }
    ASSERT_EQ(posted, Code::kOk);
    ASSERT_EQ(testing::next_completion(pair.client).status, Code::kOk);
    ASSERT_EQ(testing::next_completion(pair.server).status, Code::kOk);
  }
}

TEST(UntouchedProcessTest, neither_code_nor_signals_nor_symbols_are_changed) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer changes all of them itself";
  const auto actions_before = signal_actions();
  send_the_same_memory_again_and_again();  // whatever libraries are loaded on the way
  const auto code_before = code();
  send_the_same_memory_again_and_again();
  const auto code_after = code();
  ASSERT_EQ(code_after.size(), code_before.size());
  for (std::size_t i = 0; i < code_before.size(); ++i) {
    EXPECT_EQ(code_before[i].first, code_after[i].first);
    EXPECT_TRUE(code_before[i].second == code_after[i].second) << code_before[i].first;
  }
  const auto actions_after = signal_actions();
  for (std::size_t i = 1; i < actions_before.size(); ++i) {
    EXPECT_TRUE(same(actions_before[i], actions_after[i])) << "signal " << i;
  }
  for (const void* function :
       {reinterpret_cast<const void*>(&::munmap), reinterpret_cast<const void*>(&::mmap),
        reinterpret_cast<const void*>(&::mremap), reinterpret_cast<const void*>(&::madvise),
        reinterpret_cast<const void*>(&::sbrk), reinterpret_cast<const void*>(&::free)}) {
    EXPECT_NE(home_of(function).find("libc.so"), std::string_view::npos) << home_of(function);
  }
}

}  // namespace
}  // namespace mapwire
