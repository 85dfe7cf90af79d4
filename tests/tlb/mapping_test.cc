#include "mapwire/tlb/mapping.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "mapwire/runtime/unique_fd.h"
#include "tests/tlb/pages.h"

namespace mapwire::tlb {
namespace {

using testing::Pages;

Range range_of(const void* memory, std::size_t bytes) {
  return *pages_of({static_cast<const std::byte*>(memory), bytes});
}

TEST(MappingTest, private_anonymous_memory_and_the_heap_may_be_kept) {
  const Pages pages{4};
  EXPECT_TRUE(keepable_mapping(pages.range(), true));
  EXPECT_TRUE(keepable_mapping(*pages_of(pages.page(2)), true)->contains(pages.range()));
  const auto heap = std::make_unique<std::array<std::byte, 10'000>>();
  EXPECT_TRUE(keepable_mapping(range_of(heap.get(), sizeof(*heap)), true));
}

TEST(MappingTest, several_mappings_in_a_row_may_be_kept_and_holes_not) {
  const Pages pages{3};
  ::mprotect(pages.page(1).data(), kPageBytes, PROT_READ);
  EXPECT_TRUE(keepable_mapping(pages.range(), false));
  EXPECT_FALSE(keepable_mapping(pages.range(), true));
  ::munmap(pages.page(1).data(), kPageBytes);
  EXPECT_FALSE(keepable_mapping(pages.range(), false));
}

TEST(MappingTest, without_the_right_to_read_nothing_is_kept) {
  const Pages pages{1};
  ::mprotect(pages.memory().data(), kPageBytes, PROT_NONE);
  EXPECT_FALSE(keepable_mapping(pages.range(), false));
}

TEST(MappingTest, files_and_shared_memory_are_not_kept) {
  const UniqueFd file{::memfd_create("mapping", MFD_CLOEXEC)};
  ASSERT_EQ(::ftruncate(file.get(), kPageBytes), 0);
  for (const int kind : {MAP_SHARED, MAP_PRIVATE}) {
    void* const mapped = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, kind, file.get(), 0);
    EXPECT_FALSE(keepable_mapping(range_of(mapped, kPageBytes), false));
    ::munmap(mapped, kPageBytes);
  }
  void* const anonymous =
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT_FALSE(keepable_mapping(range_of(anonymous, kPageBytes), false));
  ::munmap(anonymous, kPageBytes);
  const int id = ::shmget(IPC_PRIVATE, kPageBytes, IPC_CREAT | 0600);
  void* const segment = ::shmat(id, nullptr, 0);
  ::shmctl(id, IPC_RMID, nullptr);
  EXPECT_FALSE(keepable_mapping(range_of(segment, kPageBytes), false));
  ::shmdt(segment);
}

TEST(MappingTest, the_program_and_the_stack_are_not_kept) {
  const int on_stack = 0;
  EXPECT_FALSE(keepable_mapping(range_of(&on_stack, sizeof(on_stack)), false));
  static const int kInProgram = 0;
  EXPECT_FALSE(keepable_mapping(range_of(&kInProgram, sizeof(kInProgram)), false));
}

}  // namespace
}  // namespace mapwire::tlb
