#include "mapwire/runtime/process_memory.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/tlb/pages.h"

namespace mapwire {
namespace {

using testing::Pages;

std::uint64_t address_of(std::span<const std::byte> memory) {
  return reinterpret_cast<std::uint64_t>(memory.data());
}

class ProcessMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!memory_.checks()) GTEST_SKIP() << "the system refuses process_vm_readv";
  }

  ProcessMemory memory_;
  Pages pages_{2};
  std::array<std::byte, 100> own_{};
};

TEST_F(ProcessMemoryTest, copies_both_ways) {
  own_.fill(std::byte{7});
  EXPECT_TRUE(memory_.write(address_of(pages_.memory()) + 1, own_));
  EXPECT_EQ(pages_.memory()[0], std::byte{0});
  EXPECT_TRUE(std::ranges::equal(pages_.memory().subspan(1, own_.size()), own_));
  pages_.memory()[50] = std::byte{8};
  EXPECT_TRUE(memory_.read(address_of(pages_.memory()) + 1, own_));
  EXPECT_EQ(own_[49], std::byte{8});
}

TEST_F(ProcessMemoryTest, fails_where_nothing_is_mapped) {
  const std::uint64_t last_bytes = address_of(pages_.page(1)) - own_.size() / 2;
  ::munmap(pages_.page(1).data(), tlb::kPageBytes);
  EXPECT_FALSE(memory_.read(last_bytes, own_));
  EXPECT_FALSE(memory_.write(last_bytes, own_));
  EXPECT_FALSE(memory_.read(0, own_));
  EXPECT_FALSE(memory_.write(UINT64_MAX - 10, own_));
}

TEST_F(ProcessMemoryTest, respects_the_rights_of_a_mapping) {
  ASSERT_EQ(::mprotect(pages_.memory().data(), pages_.memory().size(), PROT_READ), 0);
  EXPECT_TRUE(memory_.read(address_of(pages_.memory()), own_));
  EXPECT_FALSE(memory_.write(address_of(pages_.memory()), own_));
  ASSERT_EQ(::mprotect(pages_.memory().data(), pages_.memory().size(), PROT_NONE), 0);
  EXPECT_FALSE(memory_.read(address_of(pages_.memory()), own_));
}

// The child's copies are of its own memory, and not of its parent's.
TEST_F(ProcessMemoryTest, copies_in_a_child_of_fork) {
  const pid_t child = ::fork();
  if (child == 0) {
    pages_.memory()[0] = std::byte{9};
    own_[0] = std::byte{1};
    const bool copied = memory_.read(address_of(pages_.memory()), own_) &&
                        own_[0] == std::byte{9} &&
                        memory_.write(address_of(pages_.memory()) + 1, own_);
    ::_exit(copied ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(pages_.memory()[0], std::byte{0});
  EXPECT_EQ(pages_.memory()[1], std::byte{0});
}

}  // namespace
}  // namespace mapwire
