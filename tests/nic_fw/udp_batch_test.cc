// Packets travel alike whether the kernel takes and gives them in runs or one by one.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/udp_sender.h"
#include "mapwire/nic_fw/udp_socket.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"
#include "tests/nic_fw/udp_test_support.h"

namespace mapwire::nic_fw {
namespace {

struct Batch {
  proto::Flow flow;
  std::vector<std::vector<std::byte>> bytes;

  // `counts` lengths, each as often as said.
  Batch(const proto::Flow& its_flow, std::span<const std::pair<std::size_t, unsigned>> counts)
      : flow{its_flow} {
    for (const auto& [length, count] : counts) {
      for (unsigned i = 0; i < count; ++i) {
        bytes.push_back(pattern(length, static_cast<unsigned>(bytes.size())));
        proto::seal(flow, 0, bytes.back());
      }
    }
  }
  std::vector<WirePacket> packets() const {
    std::vector<WirePacket> result;
    for (const auto& one : bytes) result.push_back({flow, one});
    return result;
  }
};

// Runs of each kind: broken off by length, by the bytes and by the packets of one, and by nothing.
constexpr std::array<std::pair<std::size_t, unsigned>, 6> kLengths{
    {{4112, 17}, {32, 1}, {1040, 70}, {16, 100}, {4132, 1}, {100, 2}}};

// The ICRC may be that of another identification, of the few that are ours.
void expect_same(const ReceivedPacket& received, const Batch& sent, std::size_t index) {
  EXPECT_EQ(received.flow, sent.flow);
  const auto& bytes = sent.bytes[index];
  ASSERT_EQ(received.bytes.size(), bytes.size()) << "packet " << index;
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end() - proto::kIcrcBytes, received.bytes.begin()))
      << "packet " << index;
  const auto identification = proto::solve_identification(received.flow, received.bytes);
  ASSERT_TRUE(identification) << "packet " << index;
  EXPECT_LT(*identification, kIdentifications) << "packet " << index;
}

using Parameters = std::tuple<const char*, bool, bool>;

class UdpBatch : public ::testing::TestWithParam<Parameters> {
 protected:
  const char* host() const { return std::get<0>(GetParam()); }
  std::unique_ptr<Wire> sender() const { return wire({.segments = std::get<1>(GetParam())}); }
  std::unique_ptr<Wire> receiver() const { return wire({.merges = std::get<2>(GetParam())}); }

 private:
  static std::unique_ptr<Wire> wire(const UdpWireOptions& options) {
    auto made = make_udp_wire(options, nullptr);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
};

TEST_P(UdpBatch, arrives_whole_and_in_order) {
  auto from = sender();
  auto to = receiver();
  const Batch sent{{.source = *from->open(ip(host())), .destination = *to->open(ip(host()))},
                   kLengths};
  EXPECT_EQ(from->send(sent.packets(), 0), sent.bytes.size());
  const auto received = receive_packets(*to, sent.bytes.size());
  ASSERT_EQ(received.size(), sent.bytes.size());
  for (std::size_t i = 0; i < received.size(); ++i) expect_same(received[i], sent, i);
  EXPECT_EQ(to->next_deadline_ns(), UINT64_MAX);
}

TEST_P(UdpBatch, what_finds_no_room_is_handed_out_by_the_next_call) {
  auto from = sender();
  auto to = receiver();
  const Batch sent{{.source = *from->open(ip(host())), .destination = *to->open(ip(host()))},
                   kLengths};
  ASSERT_EQ(from->send(sent.packets(), 0), sent.bytes.size());
  for (std::size_t i = 0; i < sent.bytes.size(); ++i) {
    ASSERT_TRUE(to->next_deadline_ns() == 0 || readable(to->event_fd(), kPatienceMs));
    WirePacket packet;
    ASSERT_EQ(to->receive({&packet, 1}, 0), 1U) << "packet " << i;
    expect_same({packet.flow, {packet.bytes.begin(), packet.bytes.end()}}, sent, i);
  }
  WirePacket none;
  EXPECT_EQ(to->receive({&none, 1}, 0), 0U);
}

std::string name_of(const ::testing::TestParamInfo<Parameters>& instance) {
  const auto& [host, segments, merges] = instance.param;
  return std::string{host[0] == ':' ? "ipv6" : "ipv4"} + (segments ? "_segmented" : "_singly") +
         (merges ? "_merged" : "_apart");
}

INSTANTIATE_TEST_SUITE_P(Loopback, UdpBatch,
                         ::testing::Combine(::testing::Values("127.0.0.1", "::1"),
                                            ::testing::Bool(), ::testing::Bool()),
                         name_of);

// Sends a run through a socket that sends without checksums, for which the kernel can not segment.
TEST(UdpBatchFallBack, a_run_that_is_refused_goes_out_singly_and_all_others_do) {
  auto counters = CounterBlock::create();
  ASSERT_TRUE(counters) << counters.error().message;
  UdpSender sender{UdpCounters::in(counters->get())};
  auto from = UdpSocket::open(ip("127.0.0.1"), {});
  ASSERT_TRUE(from) << from.error().message;
  if (!from->segments()) GTEST_SKIP() << "the kernel knows no UDP_SEGMENT";
  const int one = 1;
  ASSERT_EQ(::setsockopt(from->fd(), SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one)), 0);
  auto to = make_udp_wire({}, nullptr);
  const Batch sent{{.source = from->address(), .destination = *(*to)->open(ip("127.0.0.1"))},
                   std::array{std::pair{std::size_t{100}, 5U}}};

  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(sender.send(*from, sent.packets()), 5U);
    const auto received = receive_packets(**to, 5);
    ASSERT_EQ(received.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(received[i].bytes, sent.bytes[i]);
  }
  EXPECT_FALSE(from->segments());
  EXPECT_EQ((*counters)->counter("udp.segmenting_stopped").value(), 1U);
  EXPECT_EQ((*counters)->counter("udp.send_refused").value(), 0U);
}

// Nobody is to blame but the packets.
TEST(UdpBatchFallBack, does_not_follow_from_packets_that_are_refused_singly_too) {
  UdpSender sender{{}};
  auto from = UdpSocket::open(ip("127.0.0.1"), {});
  ASSERT_TRUE(from) << from.error().message;
  const Batch sent{{.source = from->address(), .destination = {.ip = ip("127.0.0.1"), .port = 0}},
                   std::array{std::pair{std::size_t{100}, 5U}}};
  const bool before = from->segments();
  EXPECT_EQ(sender.send(*from, sent.packets()), 5U);
  EXPECT_EQ(from->segments(), before);
}

}  // namespace
}  // namespace mapwire::nic_fw
