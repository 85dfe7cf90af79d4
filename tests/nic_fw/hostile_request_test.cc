// Requests that no honest peer sends. Each is answered with a NAK and ends the queue pair it came
// to, and no other; no byte moves that the peer had no right to move.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::NakCode;
using proto::Opcode;

constexpr std::uint32_t kPathMtu = 256;

class HostileRequest : public ::testing::Test {
 protected:
  void SetUp() override {
    keys_ = *peer_.host.engine.register_memory(
        target_, {.remote_read = true, .remote_write = true, .remote_atomic = true}, 1);
    for (std::uint64_t i = 0; i < 4; ++i) peer_.post(receive_of(i, receive_));
  }
  proto::Reth reth(std::uint32_t length, std::uint64_t offset = 0) const {
    return {.address = address_of(target_) + offset, .rkey = keys_.rkey, .length = length};
  }
  void give_write(Opcode opcode, std::uint32_t ahead, std::uint32_t length, std::size_t bytes) {
    peer_.give(peer_.with_reth(opcode, ahead, reth(length)), test_bytes(bytes));
  }
  void expect_end(NakCode code) {
    peer_.expect_nak(code);
    EXPECT_EQ(peer_.host.async_events().size(), 1U);
  }

  HandMadePeer peer_{{.path_mtu = kPathMtu}};
  std::vector<std::byte> target_ = std::vector<std::byte>(4096);
  std::vector<std::byte> receive_ = std::vector<std::byte>(4096);
  MemoryKeys keys_;
};

// What stands before a packet: nothing, or the first packet of a SEND or of a WRITE.
enum class Before { kNothing, kSendFirst, kWriteFirst };

struct Place {
  Before before;
  std::vector<Opcode> allowed;
};

TEST_F(HostileRequest, every_opcode_out_of_place_is_invalid) {
  using enum Opcode;
  const std::vector<Opcode> requests{
      kSendFirst,          kSendMiddle,         kSendLast,    kSendOnly,    kSendLastImmediate,
      kSendOnlyImmediate,  kWriteFirst,         kWriteMiddle, kWriteLast,   kWriteOnly,
      kWriteLastImmediate, kWriteOnlyImmediate, kReadRequest, kCompareSwap, kFetchAdd};
  const std::vector<Place> places{
      {Before::kNothing,
       {kSendFirst, kSendOnly, kSendOnlyImmediate, kWriteFirst, kWriteOnly, kWriteOnlyImmediate,
        kReadRequest, kCompareSwap, kFetchAdd}},
      {Before::kSendFirst, {kSendMiddle, kSendLast, kSendLastImmediate}},
      {Before::kWriteFirst, {kWriteMiddle, kWriteLast, kWriteLastImmediate}}};
  for (const Place& place : places) {
    for (Opcode opcode : requests) {
      if (std::ranges::count(place.allowed, opcode) != 0) continue;
      SCOPED_TRACE(std::to_string(static_cast<int>(place.before)) + " then " +
                   std::string{proto::opcode_traits(opcode).name});
      HandMadePeer peer{{.path_mtu = kPathMtu}};
      peer.post(receive_of(1, receive_));
      const auto keys = *peer.host.engine.register_memory(target_, {.remote_write = true}, 1);
      const proto::Reth reth{.address = address_of(target_), .rkey = keys.rkey, .length = 512};
      std::uint32_t ahead = 0;
      if (place.before == Before::kSendFirst) {
        peer.give(peer.packet(kSendFirst, ahead++), test_bytes(kPathMtu));
      }
      if (place.before == Before::kWriteFirst) {
        peer.give(peer.with_reth(kWriteFirst, ahead++, reth), test_bytes(kPathMtu));
      }
      peer.take();
      const bool data = proto::opcode_traits(opcode).payload;
      peer.give(peer.with_reth(opcode, ahead, reth), test_bytes(data ? kPathMtu : 0));
      peer.expect_nak(NakCode::kInvalidRequest);
    }
  }
}

TEST_F(HostileRequest, a_packet_before_the_last_must_be_full) {
  peer_.give(peer_.packet(Opcode::kSendFirst), test_bytes(kPathMtu - 4));
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, a_packet_must_not_exceed_the_path_mtu) {
  peer_.give(peer_.packet(Opcode::kSendOnly), test_bytes(kPathMtu + 4));
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, a_last_packet_must_not_be_empty) {
  peer_.give(peer_.packet(Opcode::kSendFirst), test_bytes(kPathMtu));
  peer_.take();
  peer_.give(peer_.packet(Opcode::kSendLast, 1));
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, a_write_longer_than_announced_is_invalid) {
  give_write(Opcode::kWriteOnly, 0, 8, 12);
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, a_write_shorter_than_announced_is_invalid) {
  give_write(Opcode::kWriteOnly, 0, 16, 12);
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, a_write_that_does_not_end_where_it_said_is_invalid) {
  give_write(Opcode::kWriteFirst, 0, 300, kPathMtu);
  peer_.take();
  peer_.give(peer_.packet(Opcode::kWriteMiddle, 1), test_bytes(kPathMtu));
  expect_end(NakCode::kInvalidRequest);
  EXPECT_EQ(target_[kPathMtu], std::byte{0});
}

TEST_F(HostileRequest, a_first_packet_of_a_write_that_fits_one_is_invalid) {
  give_write(Opcode::kWriteFirst, 0, kPathMtu, kPathMtu);
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, lengths_beyond_two_gibibytes_are_invalid) {
  peer_.give(peer_.with_reth(Opcode::kReadRequest, 0, reth((1U << 31) + 1)));
  expect_end(NakCode::kInvalidRequest);
}

TEST_F(HostileRequest, ranges_outside_of_the_region_are_refused) {
  const std::uint64_t start = address_of(target_);
  const std::vector<proto::Reth> ranges{{.address = start + 4095, .rkey = keys_.rkey, .length = 2},
                                        {.address = start - 1, .rkey = keys_.rkey, .length = 2},
                                        {.address = start, .rkey = keys_.rkey, .length = 1U << 31},
                                        {.address = UINT64_MAX, .rkey = keys_.rkey, .length = 2},
                                        {.address = 0, .rkey = keys_.rkey, .length = 1},
                                        {.address = start, .rkey = keys_.lkey, .length = 1},
                                        {.address = start, .rkey = 0, .length = 1},
                                        {.address = start, .rkey = keys_.rkey + 1, .length = 1}};
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    SCOPED_TRACE(i);
    TestQueuePair qp{peer_.host};
    qp.connect(peer_.address, kPathMtu);
    auto read = peer_.with_reth(Opcode::kReadRequest, 0, ranges[i]);
    read.bth.dest_qpn = qp.qpn();
    peer_.give(read);
    peer_.expect_nak(NakCode::kRemoteAccessError);
    peer_.host.engine.close_queue_pair(qp.qpn());
  }
}

TEST_F(HostileRequest, a_region_of_another_protection_domain_is_refused) {
  const auto keys = *peer_.host.engine.register_memory(target_, {.remote_read = true}, 2);
  auto other = reth(8);
  other.rkey = keys.rkey;
  peer_.give(peer_.with_reth(Opcode::kReadRequest, 0, other));
  expect_end(NakCode::kRemoteAccessError);
}

TEST_F(HostileRequest, a_message_longer_than_the_receive_fails_both_sides) {
  HandMadePeer peer{{.path_mtu = kPathMtu}};
  std::vector<std::byte> small(300, std::byte{1});
  peer.post(receive_of(1, std::span{small}.first(257)));
  peer.post(receive_of(2, small));
  peer.give(peer.packet(Opcode::kSendFirst), test_bytes(kPathMtu));
  peer.take();
  peer.give(peer.packet(Opcode::kSendLast, 1), test_bytes(2));
  peer.expect_nak(NakCode::kInvalidRequest);
  expect_completions(peer.host, {{1, Code::kReceiveTooSmall}, {2, Code::kFlushed}});
  EXPECT_EQ(small[257], std::byte{1});
}

TEST_F(HostileRequest, the_nak_that_ended_the_queue_pair_is_repeated) {
  give_write(Opcode::kWriteOnly, 0, 8, 12);
  expect_end(NakCode::kInvalidRequest);
  give_write(Opcode::kWriteOnly, 0, 8, 12);
  peer_.expect_nak(NakCode::kInvalidRequest);
  give_write(Opcode::kWriteOnly, 1, 8, 8);
  peer_.expect_nak(NakCode::kInvalidRequest);
  EXPECT_EQ(target_, std::vector<std::byte>(4096));
  EXPECT_TRUE(peer_.host.async_events().empty());
}

TEST_F(HostileRequest, one_bad_peer_does_not_disturb_another) {
  TestQueuePair good{peer_.host};
  good.connect(peer_.address, kPathMtu);
  good.post(receive_of(9, receive_), peer_.now_ns);
  give_write(Opcode::kWriteOnly, 0, 8, 12);
  expect_end(NakCode::kInvalidRequest);
  peer_.host.completions();
  auto send = peer_.packet(Opcode::kSendOnly);
  send.bth.dest_qpn = good.qpn();
  peer_.give(send, test_bytes(10));
  expect_completions(peer_.host, {{9, Code::kOk}});
}

// Whole packets of random fields: nothing may crash, and memory without rights stays as it is.
TEST_F(HostileRequest, random_packets_do_no_harm) {
  constexpr unsigned kSeed = 1;
  std::mt19937_64 random{kSeed};
  std::vector<std::byte> foreign(4096);
  const auto foreign_keys = *peer_.host.engine.register_memory(foreign, {.remote_read = true}, 1);
  for (int round = 0; round < 300; ++round) {
    TestQueuePair qp{peer_.host};
    qp.connect(peer_.address, kPathMtu);
    for (std::uint64_t i = 0; i < 4; ++i) {
      qp.post(receive_of(i, receive_), peer_.now_ns);
      qp.post(send_of(i, target_), peer_.now_ns);
    }
    peer_.take();
    for (int i = 0; i < 40; ++i) {
      const auto opcode = static_cast<Opcode>(random() % 0x15);
      auto packet = peer_.with_reth(
          opcode, static_cast<std::uint32_t>(random() % 8),
          {.address = address_of(random() % 2 == 0 ? target_ : foreign) + random() % 4096,
           .rkey = random() % 2 == 0 ? keys_.rkey : foreign_keys.rkey,
           .length = static_cast<std::uint32_t>(random() % 600)});
      packet.bth.dest_qpn = qp.qpn();
      if (random() % 2 == 0) {
        packet.bth.psn =
            (qp.address.first_psn + static_cast<std::uint32_t>(random() % 20)) & proto::kPsnMask;
      }
      packet.aeth = {.type = static_cast<proto::AethType>(random() % 4),
                     .value = static_cast<std::uint8_t>(random() % 32),
                     .msn = static_cast<std::uint32_t>(random()) & proto::kPsnMask};
      packet.atomic = {.address = packet.reth.address & ~std::uint64_t{7},
                       .rkey = packet.reth.rkey,
                       .swap_or_add = random(),
                       .compare = 0};
      peer_.give(packet, test_bytes(random() % 3 == 0 ? kPathMtu : random() % kPathMtu));
      peer_.take();
    }
    peer_.host.engine.flush_queue_pair(qp.qpn(), Code::kPeerDead);
    std::size_t completions = 0;
    for (const auto& entry : peer_.host.completions()) completions += entry.qpn == qp.qpn() ? 1 : 0;
    ASSERT_EQ(completions, 8U) << "seed " << kSeed << ", round " << round;
    peer_.host.engine.close_queue_pair(qp.qpn());
  }
  EXPECT_EQ(foreign, std::vector<std::byte>(4096));
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
