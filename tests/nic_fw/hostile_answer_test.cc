// Answers that no honest peer gives: the request fails with kBadResponse, or nothing happens.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;
using proto::WorkOpcode;

class HostileAnswer : public ::testing::Test {
 protected:
  void read(std::size_t bytes) {
    peer_.post(remote_of(1, WorkOpcode::kRead, std::span{buffer_}.first(bytes), 0x1000, 1));
    ASSERT_EQ(peer_.take().size(), 1U);
  }
  void respond(Opcode opcode, std::uint32_t ahead, std::size_t bytes) {
    peer_.give(peer_.answer(opcode, ahead, {}), test_bytes(bytes));
  }
  void expect_bad_response() { expect_completions(peer_.host, {{1, Code::kBadResponse}}); }

  HandMadePeer peer_{{.path_mtu = 256}};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1000);
};

TEST_F(HostileAnswer, a_read_response_of_another_length_is_bad) {
  read(100);
  respond(Opcode::kReadResponseOnly, 0, 99);
  expect_bad_response();
}

TEST_F(HostileAnswer, a_read_response_longer_than_the_buffer_is_bad) {
  read(100);
  respond(Opcode::kReadResponseOnly, 0, 256);
  expect_bad_response();
  EXPECT_EQ(buffer_[0], std::byte{0});
}

TEST_F(HostileAnswer, a_read_response_that_ends_too_early_is_bad) {
  read(600);
  respond(Opcode::kReadResponseOnly, 0, 256);
  expect_bad_response();
}

TEST_F(HostileAnswer, a_read_response_that_does_not_end_is_bad) {
  read(256);
  respond(Opcode::kReadResponseFirst, 0, 256);
  expect_bad_response();
}

TEST_F(HostileAnswer, a_read_response_to_a_send_is_bad) {
  peer_.post(send_of(1, buffer_));
  peer_.take();
  respond(Opcode::kReadResponseFirst, 0, 256);
  expect_bad_response();
}

TEST_F(HostileAnswer, an_atomic_answer_to_a_read_is_bad) {
  read(8);
  peer_.give(peer_.answer(Opcode::kAtomicAcknowledge, 0, {}));
  expect_bad_response();
}

TEST_F(HostileAnswer, a_read_response_to_an_atomic_is_bad) {
  peer_.post(remote_of(1, WorkOpcode::kFetchAdd, std::span{buffer_}.first(8), 0x1000, 1));
  peer_.take();
  respond(Opcode::kReadResponseOnly, 0, 8);
  expect_bad_response();
}

TEST_F(HostileAnswer, responses_behind_the_awaited_one_are_ignored) {
  read(600);
  respond(Opcode::kReadResponseFirst, 0, 256);
  respond(Opcode::kReadResponseFirst, 0, 256);
  respond(Opcode::kReadResponseMiddle, 1, 256);
  respond(Opcode::kReadResponseMiddle, 0, 256);
  EXPECT_TRUE(peer_.host.completions().empty());
  respond(Opcode::kReadResponseLast, 2, 88);
  expect_completions(peer_.host, {{1, Code::kOk}});
}

TEST_F(HostileAnswer, responses_to_what_was_never_asked_are_ignored) {
  respond(Opcode::kReadResponseOnly, 0, 8);
  respond(Opcode::kReadResponseOnly, 77, 8);
  peer_.give(peer_.answer(Opcode::kAtomicAcknowledge, 0, {}));
  EXPECT_TRUE(peer_.host.completions().empty());
  EXPECT_TRUE(peer_.host.async_events().empty());
}

TEST_F(HostileAnswer, reserved_syndromes_are_ignored) {
  peer_.post(send_of(1, std::span{buffer_}.first(10)));
  peer_.take();
  peer_.give(peer_.answer(Opcode::kAcknowledge, 0, {.type = proto::AethType::kReserved}));
  peer_.give(
      peer_.answer(Opcode::kAcknowledge, 0, {.type = proto::AethType::kNak, .value = 9, .msn = 0}));
  EXPECT_TRUE(peer_.host.completions().empty());
  EXPECT_TRUE(peer_.take().empty());
}

TEST_F(HostileAnswer, an_acknowledgement_does_not_complete_a_read) {
  read(100);
  peer_.give(peer_.ack(0));
  EXPECT_TRUE(peer_.host.completions().empty());
  EXPECT_EQ(peer_.take().size(), 1U) << "its response was lost, so it is asked for again";
}

TEST_F(HostileAnswer, fatal_naks_fail_the_request_they_name_with_their_code) {
  struct Case {
    proto::NakCode nak;
    Code status;
  };
  for (const Case& one :
       {Case{proto::NakCode::kInvalidRequest, Code::kRemoteInvalidRequest},
        Case{proto::NakCode::kRemoteAccessError, Code::kRemoteAccess},
        Case{proto::NakCode::kRemoteOperationalError, Code::kRemoteOperational}}) {
    HandMadePeer peer;
    for (std::uint64_t i = 0; i < 3; ++i) peer.post(send_of(i, std::span{buffer_}.first(10)));
    peer.take();
    peer.give(peer.nak(1, one.nak));
    expect_completions(peer.host, {{0, Code::kOk}, {1, one.status}, {2, Code::kFlushed}});
    EXPECT_EQ(peer.host.async_events().size(), 1U);
    EXPECT_TRUE(peer.take().empty());
  }
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
