#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>

#include "mapwire/nic_fw/shm/block.h"

namespace mapwire::nic_fw::shm {
namespace {

using ::testing::HasSubstr;

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

UniqueFd memory(std::size_t bytes, int seals) {
  UniqueFd fd{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

std::string refusal(const UniqueFd& fd) {
  const auto mapped = PeerBlock::map(fd);
  return mapped ? "none" : mapped.error().message;
}

TEST(ShmBlock, is_read_and_not_written_or_cut_by_who_gets_it) {
  const Arena block = make_block().value();
  const UniqueFd fd{::dup(block.fd())};
  const auto peer = PeerBlock::map(fd);
  ASSERT_TRUE(peer.has_value());
  header_of(block).sleeping = 7;
  EXPECT_EQ(peer->header().sleeping, 7U);
  EXPECT_EQ(::mmap(nullptr, proto::kShmBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0),
            MAP_FAILED);
  EXPECT_EQ(::write(fd.get(), "x", 1), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 0), -1);
  EXPECT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
}

TEST(ShmBlock, of_a_peer_has_a_size_that_cannot_change) {
  EXPECT_THAT(refusal(memory(proto::kShmBytes, F_SEAL_SHRINK | F_SEAL_GROW)), HasSubstr("sealed"));
  EXPECT_THAT(refusal(memory(proto::kShmBytes, F_SEAL_GROW | F_SEAL_SEAL)), HasSubstr("sealed"));
  EXPECT_THAT(refusal(memory(proto::kShmBytes - 4096, kSeals)), HasSubstr("wrong size"));
  EXPECT_THAT(refusal(memory(proto::kShmBytes + 4096, kSeals)), HasSubstr("wrong size"));
}

TEST(ShmBlock, of_a_peer_has_our_header) {
  EXPECT_THAT(refusal(memory(proto::kShmBytes, kSeals)), HasSubstr("header"));
}

TEST(ShmBlock, of_a_peer_is_no_file) {
  EXPECT_THAT(refusal(UniqueFd{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)}), HasSubstr("file"));
  EXPECT_THAT(refusal(UniqueFd{}), HasSubstr("file"));
}

}  // namespace
}  // namespace mapwire::nic_fw::shm
