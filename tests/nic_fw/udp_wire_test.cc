#include "mapwire/nic_fw/udp_wire.h"

#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include <gtest/gtest.h>

#include "mapwire/proto/packet.h"
#include "mapwire/runtime/unique_fd.h"
#include "tests/nic_fw/udp_test_support.h"

namespace mapwire::nic_fw {
namespace {

std::unique_ptr<Wire> wire(CounterBlock* counters = nullptr) {
  auto made = make_udp_wire({}, counters);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

class UdpWire : public ::testing::TestWithParam<const char*> {};

TEST_P(UdpWire, carries_packets_of_every_size_whole_and_in_order) {
  auto sender = wire();
  auto receiver = wire();
  const proto::Flow flow{.source = *sender->open(ip(GetParam())),
                         .destination = *receiver->open(ip(GetParam()))};
  std::vector<std::vector<std::byte>> sent;
  for (std::size_t bytes : {16U, 17U, 100U, 1060U, 4131U, 4132U}) {
    sent.push_back(pattern(bytes, static_cast<unsigned>(bytes)));
  }
  std::vector<WirePacket> packets;
  for (const auto& bytes : sent) packets.push_back({.flow = flow, .bytes = bytes});

  EXPECT_EQ(sender->send(packets, 0), packets.size());

  auto received = receive_packets(*receiver, sent.size());
  ASSERT_EQ(received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(received[i].flow, flow);
    EXPECT_EQ(received[i].bytes, sent[i]);
  }
}

TEST_P(UdpWire, opens_one_socket_per_local_address) {
  auto one = wire();
  auto address = one->open(ip(GetParam()));
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->ip, ip(GetParam()));
  EXPECT_EQ(*one->open(ip(GetParam())), *address);
  proto::IpAddress with_interface = ip(GetParam());
  with_interface.scope_id = 1;
  EXPECT_EQ(*one->open(with_interface), *address);
}

TEST_P(UdpWire, event_fd_is_readable_while_packets_wait) {
  auto sender = wire();
  auto receiver = wire();
  const proto::Flow flow{.source = *sender->open(ip(GetParam())),
                         .destination = *receiver->open(ip(GetParam()))};
  EXPECT_FALSE(readable(receiver->event_fd(), 0));
  const auto bytes = pattern(64, 1);
  const std::array packets{WirePacket{flow, bytes}, WirePacket{flow, bytes}};
  ASSERT_EQ(sender->send(packets, 0), 2U);

  EXPECT_TRUE(readable(receiver->event_fd(), kPatienceMs));
  EXPECT_EQ(receive_packets(*receiver, 2).size(), 2U);
  EXPECT_FALSE(readable(receiver->event_fd(), 0));
}

TEST_P(UdpWire, a_closed_port_of_one_peer_does_not_disturb_another) {
  auto sender = wire();
  auto receiver = wire();
  const auto source = *sender->open(ip(GetParam()));
  const auto alive = *receiver->open(ip(GetParam()));
  const auto dead = *wire()->open(ip(GetParam()));  // closed at once: answers with ICMP
  const auto bytes = pattern(64, 1);
  for (int round = 0; round < 50; ++round) {
    const std::array packets{WirePacket{{source, dead}, bytes}, WirePacket{{source, alive}, bytes}};
    EXPECT_EQ(sender->send(packets, 0), 2U);
    EXPECT_EQ(receive_packets(*receiver, 1).size(), 1U) << "round " << round;
  }
}

TEST_P(UdpWire, a_packet_larger_than_the_route_counts_as_taken) {
  auto counters = CounterBlock::create();
  ASSERT_TRUE(counters) << counters.error().message;
  auto sender = wire(counters->get());
  auto receiver = wire();
  const proto::Flow flow{.source = *sender->open(ip(GetParam())),
                         .destination = *receiver->open(ip(GetParam()))};
  const auto too_long = pattern(70'000, 1);
  const auto bytes = pattern(64, 2);
  const std::array packets{WirePacket{flow, too_long}, WirePacket{flow, bytes}};
  EXPECT_EQ(sender->send(packets, 0), 2U);
  auto received = receive_packets(*receiver, 1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].bytes, bytes);
  EXPECT_EQ((*counters)->counter("udp.send_refused").value(), 1U);
}

TEST_P(UdpWire, counts_the_buffers_the_kernel_granted) {
  auto counters = CounterBlock::create();
  ASSERT_TRUE(counters) << counters.error().message;
  ASSERT_TRUE(wire(counters->get())->open(ip(GetParam())));
  EXPECT_GT((*counters)->counter("udp.receive_buffer_bytes").value(), 0U);
  EXPECT_GT((*counters)->counter("udp.send_buffer_bytes").value(), 0U);
}

TEST_P(UdpWire, a_datagram_longer_than_a_packet_arrives_visibly_too_long) {
  auto sender = wire();
  auto receiver = wire();
  const proto::Flow flow{.source = *sender->open(ip(GetParam())),
                         .destination = *receiver->open(ip(GetParam()))};
  const auto bytes = pattern(6000, 3);
  const std::array packets{WirePacket{flow, bytes}};
  EXPECT_EQ(sender->send(packets, 0), 1U);
  auto received = receive_packets(*receiver, 1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(proto::parse_packet(received[0].bytes).error(), proto::PacketError::kOversized);
}

INSTANTIATE_TEST_SUITE_P(Loopback, UdpWire, ::testing::Values("127.0.0.1", "::1"),
                         [](const auto& instance) {
                           return std::string{instance.index == 0 ? "ipv4" : "ipv6"};
                         });

TEST(UdpWireSockets, each_packet_leaves_from_its_own_source) {
  auto sender = wire();
  auto receiver = wire();
  const auto bytes = pattern(64, 4);
  const auto first = *sender->open(ip("127.0.0.1"));
  const auto second = *sender->open(ip("127.0.0.2"));
  const auto sixth = *sender->open(ip("::1"));
  const auto v4 = *receiver->open(ip("127.0.0.3"));
  const auto v6 = *receiver->open(ip("::1"));
  const std::array packets{WirePacket{{first, v4}, bytes}, WirePacket{{second, v4}, bytes},
                           WirePacket{{sixth, v6}, bytes}, WirePacket{{first, v4}, bytes}};
  EXPECT_EQ(sender->send(packets, 0), 4U);
  std::vector<proto::Flow> v4_flows;
  std::vector<proto::Flow> v6_flows;
  for (const auto& packet : receive_packets(*receiver, 4)) {
    (packet.flow.destination == v4 ? v4_flows : v6_flows).push_back(packet.flow);
  }
  EXPECT_EQ(v4_flows, (std::vector<proto::Flow>{{first, v4}, {second, v4}, {first, v4}}));
  EXPECT_EQ(v6_flows, (std::vector<proto::Flow>{{sixth, v6}}));
}

TEST(UdpWireSockets, link_local_addresses_take_the_interface_of_the_local_end) {
  auto local = own_link_local();
  if (!local) GTEST_SKIP() << "no interface has a link-local address";
  auto sender = wire();
  auto receiver = wire();
  proto::Flow sent{.source = *sender->open(*local), .destination = *receiver->open(*local)};
  proto::Flow expected = sent;
  sent.destination.ip.scope_id = 0;
  expected.source.ip.scope_id = 0;
  const auto bytes = pattern(64, 5);
  const std::array packets{WirePacket{sent, bytes}};
  EXPECT_EQ(sender->send(packets, 0), 1U);
  auto received = receive_packets(*receiver, 1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].flow, expected);
}

TEST(UdpWireSockets, all_use_the_configured_port) {
  const std::uint16_t port = wire()->open(ip("127.0.0.1"))->port;
  auto one = make_udp_wire({.port = port}, nullptr);
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)->open(ip("127.0.0.1"))->port, port);
  EXPECT_EQ((*one)->open(ip("127.0.0.2"))->port, port);
}

TEST(UdpWireSockets, keep_the_roce_port_apart_from_the_others) {
  auto one = wire();
  const auto any = *one->open(ip("127.0.0.21"));
  const auto roce = one->open_roce_port(ip("127.0.0.21"));
  if (!roce) GTEST_SKIP() << roce.error().message;
  EXPECT_EQ(roce->port, proto::kRocePort);
  EXPECT_NE(any.port, proto::kRocePort);
  EXPECT_EQ(*one->open(ip("127.0.0.21")), any);
  EXPECT_EQ(*one->open_roce_port(ip("127.0.0.21")), *roce);
}

TEST(UdpWireSockets, say_who_may_have_the_roce_port) {
  auto owner = wire();
  const auto owned = owner->open_roce_port(ip("127.0.0.22"));
  if (!owned) GTEST_SKIP() << owned.error().message;
  const auto refused = wire()->open_roce_port(ip("127.0.0.22"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRocePortInUse);
  EXPECT_NE(refused.error().message.find("rdma_rxe"), std::string::npos);
}

TEST(UdpWireSockets, are_limited) {
  auto one = wire();
  proto::IpAddress local = ip("127.0.0.1");
  for (int i = 0; i < 64; ++i, ++local.bytes[3]) ASSERT_TRUE(one->open(local));
  auto refused = one->open(local);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kLimitReached);
  EXPECT_TRUE(one->open(ip("127.0.0.1")));
}

// The IPv4 header of the first packet to UDP port `port` on the loopback interface.
iphdr capture_header(int packet_socket, std::uint16_t port) {
  std::array<std::byte, 256> frame{};
  while (readable(packet_socket, kPatienceMs)) {
    const auto length = ::recv(packet_socket, frame.data(), frame.size(), 0);
    iphdr header{};
    if (length < 28) continue;
    std::memcpy(&header, frame.data(), sizeof(header));
    std::uint16_t destination = 0;
    std::memcpy(&destination, &frame[22], sizeof(destination));
    if (header.protocol == IPPROTO_UDP && ntohs(destination) == port) return header;
  }
  ADD_FAILURE() << "no packet captured";
  return {};
}

// The ICRC covers both fields, and no UDP socket can read them. A loopback never cuts what the
// kernel took as one.
TEST(UdpWireSockets, ipv4_packets_leave_with_df_and_identification_0) {
  const UniqueFd capture{::socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP))};
  if (!capture) GTEST_SKIP() << "capturing needs CAP_NET_RAW";
  sockaddr_ll loopback{};
  loopback.sll_family = AF_PACKET;
  loopback.sll_protocol = htons(ETH_P_IP);
  loopback.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
  ASSERT_EQ(::bind(capture.get(), reinterpret_cast<const sockaddr*>(&loopback), sizeof(loopback)),
            0);
  auto sender = wire();
  auto receiver = wire();
  const proto::Flow flow{.source = *sender->open(ip("127.0.0.1")),
                         .destination = *receiver->open(ip("127.0.0.1"))};
  const auto bytes = pattern(64, 6);
  const auto longer = pattern(68, 6);
  const std::array packets{WirePacket{flow, bytes}, WirePacket{flow, longer},
                           WirePacket{flow, longer}, WirePacket{flow, bytes}};
  ASSERT_EQ(sender->send(packets, 0), 4U);
  for (int i = 0; i < 2; ++i) {
    const iphdr header = capture_header(capture.get(), flow.destination.port);
    EXPECT_EQ(header.id, 0);
    EXPECT_EQ(header.frag_off, htons(IP_DF));
  }
}

}  // namespace
}  // namespace mapwire::nic_fw
