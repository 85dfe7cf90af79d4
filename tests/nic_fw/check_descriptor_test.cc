#include "mapwire/nic_fw/check_descriptor.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

using proto::WorkOpcode;

constexpr std::uint32_t kDomain = 1;

class CheckDescriptor : public ::testing::Test {
 protected:
  proto::SendDescriptor send(WorkOpcode opcode, std::uint32_t bytes = 8, std::uint32_t lkey = 0) {
    proto::SendDescriptor descriptor;
    descriptor.opcode = opcode;
    descriptor.sge_count = 1;
    descriptor.sge[0] = {.address = start(), .bytes = bytes, .lkey = lkey};
    return descriptor;
  }
  Code judge(const proto::SendDescriptor& descriptor) {
    return check(descriptor, table_, kDomain).verdict;
  }
  std::uint64_t start() const { return reinterpret_cast<std::uint64_t>(memory_.data()); }

  alignas(8) std::array<std::byte, 64> memory_{};
  MemoryTable table_{4};
  std::mt19937_64 random_{1};
};

TEST_F(CheckDescriptor, accepts_every_operation) {
  for (int opcode = 1; opcode <= 7; ++opcode) {
    EXPECT_EQ(judge(send(static_cast<WorkOpcode>(opcode))), Code::kOk) << opcode;
  }
}

TEST_F(CheckDescriptor, refuses_unknown_opcodes) {
  for (int opcode : {0, 8, 9, 255}) {
    EXPECT_EQ(judge(send(static_cast<WorkOpcode>(opcode))), Code::kInvalidDescriptor) << opcode;
  }
}

TEST_F(CheckDescriptor, refuses_reserved_bits) {
  auto descriptor = send(WorkOpcode::kSend);
  descriptor.flags = 2;
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
  descriptor = send(WorkOpcode::kSend);
  descriptor.reserved0 = 1;
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
  descriptor = send(WorkOpcode::kSend);
  descriptor.reserved1 = 1;
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
  descriptor = send(WorkOpcode::kSend);
  descriptor.reserved2[3] = 1;
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
}

TEST_F(CheckDescriptor, refuses_too_many_elements) {
  auto descriptor = send(WorkOpcode::kSend);
  descriptor.sge_count = proto::kSgeMax + 1;
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
}

TEST_F(CheckDescriptor, refuses_messages_beyond_two_gibibytes) {
  EXPECT_EQ(judge(send(WorkOpcode::kSend, 1U << 31)), Code::kOk);
  EXPECT_EQ(judge(send(WorkOpcode::kSend, (1U << 31) + 1)), Code::kInvalidDescriptor);
  auto descriptor = send(WorkOpcode::kSend, UINT32_MAX);
  descriptor.sge_count = 3;
  descriptor.sge[1] = descriptor.sge[2] = descriptor.sge[0];
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
}

TEST_F(CheckDescriptor, an_atomic_has_one_element_of_eight_bytes) {
  EXPECT_EQ(judge(send(WorkOpcode::kFetchAdd, 4)), Code::kInvalidDescriptor);
  auto descriptor = send(WorkOpcode::kCompareSwap, 4);
  descriptor.sge_count = 2;
  descriptor.sge[1] = descriptor.sge[0];
  EXPECT_EQ(judge(descriptor), Code::kInvalidDescriptor);
}

TEST_F(CheckDescriptor, refuses_elements_outside_their_region) {
  const auto keys = *table_.add(memory_, {.local_write = false}, kDomain, random_);
  EXPECT_EQ(judge(send(WorkOpcode::kSend, 64, keys.lkey)), Code::kOk);
  EXPECT_EQ(judge(send(WorkOpcode::kSend, 65, keys.lkey)), Code::kLocalProtection);
  EXPECT_EQ(judge(send(WorkOpcode::kSend, 8, keys.rkey)), Code::kLocalProtection);
  EXPECT_EQ(judge(send(WorkOpcode::kRead, 8, keys.lkey)), Code::kLocalProtection);
}

TEST_F(CheckDescriptor, judges_receives_too) {
  proto::ReceiveDescriptor receive;
  EXPECT_EQ(check(receive, table_, kDomain).verdict, Code::kOk);
  receive.sge_count = proto::kSgeMax + 1;
  EXPECT_EQ(check(receive, table_, kDomain).verdict, Code::kInvalidDescriptor);
  receive.sge_count = 1;
  receive.reserved[6] = 1;
  EXPECT_EQ(check(receive, table_, kDomain).verdict, Code::kInvalidDescriptor);
  receive.reserved[6] = 0;
  receive.sge[0] = {.address = start(), .bytes = 8, .lkey = 12345};
  EXPECT_EQ(check(receive, table_, kDomain).verdict, Code::kLocalProtection);
}

}  // namespace
}  // namespace mapwire::nic_fw
