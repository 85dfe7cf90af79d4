// Memory that is not registered, at NICs that read any memory; also when it goes while a request
// uses it.
#include <algorithm>
#include <cstdlib>
#include <span>

#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "mapwire/runtime/process_memory.h"
#include "tests/conformance/conformance.h"
#include "tests/tlb/pages.h"

namespace mapwire::conformance {
namespace {

using testing::Pages;

constexpr std::size_t kPages = 8;

class AnyMemory : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    if (IsSkipped()) return;
    if (!nic(0).attributes().reads_any_memory) GTEST_SKIP() << "this NIC needs registered memory";
    if (!ProcessMemory{}.checks()) GTEST_SKIP() << "the system refuses process_vm_readv";
  }

  static Sge any(std::span<const std::byte> memory) {
    return {.address = reinterpret_cast<std::uint64_t>(memory.data()),
            .bytes = static_cast<std::uint32_t>(memory.size()),
            .lkey = proto::kAnyMemoryLkey};
  }

  static void unmap(std::span<const std::byte> memory) {
    // Nothing else may come to lie there before the request is over.
    if (::mmap(const_cast<std::byte*>(memory.data()), memory.size(), PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
      std::abort();
    }
  }

  // Sends all of a message into `lost`, which is not there to be written.
  void expect_receive_fails(std::span<const std::byte> lost) {
    const Connection connection = connect();
    const Connection other = connect();
    EXPECT_TRUE(post_receive(connection.right, receive_into(1, {any(lost)})));
    EXPECT_TRUE(post_send(connection.left, send_of(2, {any(source_.memory())})));
    expect_completion(connection.right, 1, Code::kLocalProtection);
    expect_completion(connection.left, 2, Code::kRemoteOperational);
    expect_alive(other);
  }

  Pages source_{kPages};
};

TEST_P(AnyMemory, is_sent_and_received_into) {
  const Connection connection = connect();
  const Pages target{kPages};
  std::ranges::fill(source_.memory(), std::byte{0x5a});
  EXPECT_TRUE(post_receive(connection.right, receive_into(1, {any(target.memory())})));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {any(source_.memory())})));
  expect_completion(connection.right, 1);
  expect_completion(connection.left, 2);
  EXPECT_TRUE(std::ranges::equal(target.memory(), source_.memory()));
}

TEST_P(AnyMemory, that_was_unmapped_fails_its_receive) {
  const Pages target{kPages};
  unmap(target.memory());
  expect_receive_fails(target.memory());
}

TEST_P(AnyMemory, that_was_unmapped_in_part_fails_its_receive) {
  const Pages target{kPages};
  unmap(target.page(kPages - 1));
  expect_receive_fails(target.memory());
}

TEST_P(AnyMemory, that_is_read_only_fails_its_receive) {
  const Pages target{kPages};
  ASSERT_EQ(::mprotect(target.memory().data(), target.memory().size(), PROT_READ), 0);
  expect_receive_fails(target.memory());
}

TEST_P(AnyMemory, of_a_file_that_was_truncated_fails_its_receive) {
  const Pages target{kPages};
  const int file = ::memfd_create("truncated", 0);
  ASSERT_EQ(::ftruncate(file, static_cast<off_t>(target.memory().size())), 0);
  ASSERT_NE(::mmap(target.memory().data(), target.memory().size(), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_FIXED, file, 0),
            MAP_FAILED);
  ASSERT_EQ(::ftruncate(file, 0), 0);
  expect_receive_fails(target.memory());
  ::close(file);
}

// It waits for a receive, and is read again when there is one.
TEST_P(AnyMemory, that_was_unmapped_fails_the_send_under_way) {
  const Connection connection = connect();
  const Connection other = connect();
  EXPECT_TRUE(post_send(connection.left, send_of(1, {any(source_.memory())})));
  poll_for(5'000'000);
  unmap(source_.memory());
  const Pages target{kPages};
  EXPECT_TRUE(post_receive(connection.right, receive_into(2, {any(target.memory())})));
  expect_completion(connection.left, 1, Code::kLocalProtection);
  expect_alive(other);
}

TEST_P(AnyMemory, that_was_unmapped_fails_the_read_into_it) {
  const Connection connection = connect();
  const Connection other = connect();
  Buffer remote{nic(1), kPages * tlb::kPageBytes};
  EXPECT_TRUE(
      post_send(connection.left, one_sided(1, WorkOpcode::kRead, {any(source_.memory())}, remote)));
  unmap(source_.memory());
  expect_completion(connection.left, 1, Code::kLocalProtection);
  expect_alive(other);
}

TEST_P(AnyMemory, that_was_unmapped_fails_the_write_from_it) {
  const Connection connection = connect();
  const Connection other = connect();
  Buffer remote{nic(1), kPages * tlb::kPageBytes};
  unmap(source_.memory());
  EXPECT_TRUE(post_send(connection.left,
                        one_sided(1, WorkOpcode::kWrite, {any(source_.memory())}, remote)));
  expect_completion(connection.left, 1, Code::kLocalProtection);
  expect_alive(other);
}

TEST_P(AnyMemory, that_was_unmapped_fails_the_atomic_that_answers_into_it) {
  const Connection connection = connect();
  const Connection other = connect();
  Buffer remote{nic(1), 8};
  EXPECT_TRUE(
      post_send(connection.left, fetch_add(1, any(source_.memory().first(8)), remote, 0, 1)));
  unmap(source_.memory());
  expect_completion(connection.left, 1, Code::kLocalProtection);
  expect_alive(other);
}

// What a peer reads or writes may be registered as memory that may go.
TEST_P(AnyMemory, that_was_unmapped_under_a_peer_refuses_it) {
  for (const WorkOpcode opcode : {WorkOpcode::kWrite, WorkOpcode::kRead}) {
    const Connection connection = connect();
    const Connection other = connect();
    const Pages target{kPages};
    const auto keys = nic(1).register_memory(
        target.memory(), {.remote_read = true, .remote_write = true, .may_go = true}, 1);
    ASSERT_TRUE(keys);
    SendDescriptor access = send_of(1, {any(source_.memory())});
    access.opcode = opcode;
    access.remote_address = reinterpret_cast<std::uint64_t>(target.memory().data());
    access.rkey = keys->rkey;
    EXPECT_TRUE(post_send(connection.left, access));
    expect_completion(connection.left, 1);
    unmap(target.page(kPages / 2));
    EXPECT_TRUE(post_send(connection.left, access));
    expect_completion(connection.left, 1, Code::kRemoteAccess);
    expect_alive(other);
    nic(1).deregister_memory(keys->lkey);
  }
}

INSTANTIATE_TEST_SUITE_P(Nics, AnyMemory, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
