// Receives packets from UDP sockets into buffers of its own. Allocates at creation only. One thread
// at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "mapwire/nic_fw/udp_counters.h"
#include "mapwire/nic_fw/udp_socket.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/packet.h"
#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::nic_fw {

class UdpReceiver {
 public:
  // Packets whose bytes are valid at once: 64 of 4 KiB are as many as fit a second-level cache.
  static constexpr std::size_t kBatchPackets = 64;

  explicit UdpReceiver(const UdpCounters& counters);
  UdpReceiver(const UdpReceiver&) = delete;  // the headers point to its other members
  UdpReceiver& operator=(const UdpReceiver&) = delete;

  // Makes all buffers free: the bytes of packets received before are no longer valid.
  void begin() { used_ = 0; }

  // Receives up to packets.size() packets that wait at `socket`, as far as buffers are free, and
  // returns how many. Their bytes are valid until begin(). A packet longer than any RoCEv2 packet
  // is cut one byte past that length, so that its reader sees that it is too long.
  std::size_t receive(const UdpSocket& socket, std::span<WirePacket> packets);

 private:
  static constexpr std::size_t kBufferBytes = proto::kPacketBytesMax + 1;
  static constexpr std::size_t kBufferStride =
      (kBufferBytes + proto::kCacheLine - 1) / proto::kCacheLine * proto::kCacheLine;

  std::array<mmsghdr, kBatchPackets> headers_{};
  std::array<iovec, kBatchPackets> bytes_{};
  std::array<SocketAddress, kBatchPackets> sources_{};
  std::vector<std::byte> buffers_;
  std::size_t used_ = 0;
  UdpCounters counters_;
};

}  // namespace mapwire::nic_fw
