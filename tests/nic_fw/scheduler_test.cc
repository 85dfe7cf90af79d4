#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

using proto::Opcode;

TEST(Scheduler, queue_pairs_take_turns_of_a_quantum) {
  HandMadePeer peer{{.path_mtu = 4096}};
  TestQueuePair second{peer.host};
  auto address = peer.address;
  address.qpn = 0x888;
  second.connect(address, 4096);
  const auto message = test_bytes(1 << 20);
  peer.post(send_of(1, message));
  second.post(send_of(2, message), peer.now_ns);

  const auto packets = peer.take();

  ASSERT_EQ(packets.size(), 32U);  // two flights of 16
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(packets[i].parsed().bth.dest_qpn, i < 4 ? 0x777U : 0x888U) << "packet " << i;
  }
}

TEST(Scheduler, a_short_message_does_not_wait_for_the_end_of_a_long_one) {
  HandMadePeer peer;
  TestQueuePair second{peer.host};
  auto address = peer.address;
  address.qpn = 0x888;
  second.connect(address, 1024);
  const auto message = test_bytes(1 << 20);
  peer.post(send_of(1, message));
  EXPECT_EQ(peer.host.transmit(peer.now_ns, true, 1).size(), 1U);
  second.post(send_of(2, std::span{message}.first(8)), peer.now_ns);
  const auto packets = peer.take();
  const auto found = std::ranges::find_if(
      packets, [](const TestPacket& packet) { return packet.parsed().bth.dest_qpn == 0x888; });
  ASSERT_NE(found, packets.end());
  EXPECT_LE(found - packets.begin(), 16);
}

TEST(Scheduler, requests_and_responses_of_a_queue_pair_alternate) {
  HandMadePeer peer;
  const auto message = test_bytes(8 * 1024);
  std::vector<std::byte> source = test_bytes(8 * 1024);
  const auto keys = *peer.host.engine.register_memory(source, {.remote_read = true}, 1);
  peer.post(send_of(1, message));
  peer.give(peer.with_reth(Opcode::kReadRequest, 0,
                           {.address = address_of(source), .rkey = keys.rkey, .length = 8192}));
  const auto packets = peer.take();
  ASSERT_EQ(packets.size(), 16U);
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
    const bool request = packets[i].parsed().traits.kind == proto::PacketKind::kSend;
    const bool next = packets[i + 1].parsed().traits.kind == proto::PacketKind::kSend;
    EXPECT_NE(request, next) << "packet " << i;
  }
}

TEST(Scheduler, output_is_announced_exactly) {
  HandMadePeer peer;
  const auto message = test_bytes(1 << 20);
  EXPECT_FALSE(peer.host.engine.has_output(true));
  peer.post(send_of(1, message));
  std::size_t sent = 0;
  while (peer.host.engine.has_output(true)) {
    ASSERT_EQ(peer.host.transmit(peer.now_ns, true, 1).size(), 1U);
    ++sent;
  }
  EXPECT_EQ(sent, 16U);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
