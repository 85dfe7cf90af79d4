#include "mapwire/nic_fw/udp_split.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <array>
#include <climits>
#include <cstddef>
#include <cstring>
#include <optional>

#include <gtest/gtest.h>

namespace mapwire::nic_fw {
namespace {

// A received message with at most one control message.
class Received {
 public:
  Received() = default;
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;
  template <class Value>
  Received(int level, int type, Value value) {
    header_.msg_control = control_.data();
    header_.msg_controllen = CMSG_SPACE(sizeof(value));
    cmsghdr* control = CMSG_FIRSTHDR(&header_);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(sizeof(value));
    std::memcpy(CMSG_DATA(control), &value, sizeof(value));
  }
  Received& with_flags(int flags) {
    header_.msg_flags = flags;
    return *this;
  }
  std::optional<std::size_t> packet_bytes(std::size_t bytes) const {
    return merged_packet_bytes(header_, bytes);
  }

 private:
  msghdr header_{};
  alignas(cmsghdr) std::array<std::byte, 64> control_{};
};

Received merged(int packet_bytes) { return {IPPROTO_UDP, UDP_GRO, packet_bytes}; }

TEST(UdpSplit, a_datagram_without_a_word_is_one_packet) {
  EXPECT_EQ(Received{}.packet_bytes(100), 100U);
  EXPECT_EQ(Received{}.packet_bytes(0), 0U);
  EXPECT_EQ((Received{SOL_SOCKET, SO_TIMESTAMP, 40}.packet_bytes(100)), 100U);
}

TEST(UdpSplit, the_kernel_tells_the_length_of_merged_packets) {
  EXPECT_EQ(merged(1).packet_bytes(100), 1U);
  EXPECT_EQ(merged(40).packet_bytes(100), 40U);
  EXPECT_EQ(merged(100).packet_bytes(100), 100U);
}

TEST(UdpSplit, an_impossible_length_tells_nothing) {
  for (const int bytes : {0, -1, INT_MIN, 101, 65'536, INT_MAX}) {
    EXPECT_EQ(merged(bytes).packet_bytes(100), std::nullopt) << bytes;
  }
  EXPECT_EQ(merged(1).packet_bytes(0), std::nullopt);
  EXPECT_EQ((Received{IPPROTO_UDP, UDP_GRO, std::byte{40}}.packet_bytes(100)), std::nullopt);
}

TEST(UdpSplit, what_was_cut_off_tells_nothing) {
  EXPECT_EQ(merged(40).with_flags(MSG_TRUNC).packet_bytes(100), std::nullopt);
  EXPECT_EQ(Received{}.with_flags(MSG_TRUNC).packet_bytes(100), std::nullopt);
  EXPECT_EQ(Received{}.with_flags(MSG_CTRUNC).packet_bytes(100), std::nullopt);
}

}  // namespace
}  // namespace mapwire::nic_fw
