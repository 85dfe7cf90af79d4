// Receives packets from UDP sockets into buffers of its own. Allocates at creation only. One thread
// at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "mapwire/nic_fw/udp_counters.h"
#include "mapwire/nic_fw/udp_socket.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/address.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::nic_fw {

class UdpReceiver {
 public:
  // Datagrams held at once: as many as the soft NIC takes packets at once, each of which may be a
  // datagram of its own.
  static constexpr std::size_t kDatagrams = 64;

  explicit UdpReceiver(const UdpCounters& counters);
  UdpReceiver(const UdpReceiver&) = delete;  // the headers point to its other members
  UdpReceiver& operator=(const UdpReceiver&) = delete;

  // Ends the validity of the packets handed out before, and hands out up to packets.size() of those
  // that were received together with them and found no room; returns how many.
  std::size_t begin(std::span<WirePacket> packets);

  // Receives up to packets.size() packets that wait at `socket`, as far as buffers are free, and
  // returns how many. Their bytes are valid until begin(). A packet longer than any RoCEv2 packet
  // is cut one byte past that length, so that its reader sees that it is too long.
  std::size_t receive(const UdpSocket& socket, std::span<WirePacket> packets);

  // Whether begin() would hand out packets.
  bool holds_packets() const { return first_ != used_; }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::byte, CMSG_SPACE(sizeof(int))> bytes{};
  };
  // What is to be handed out of a datagram.
  struct Datagram {
    proto::Flow flow;
    std::span<const std::byte> bytes;
    std::size_t packet_bytes = 0;
    std::size_t packets = 0;
  };

  void expect(std::size_t index);
  void take(const UdpSocket& socket, std::size_t index);
  std::size_t hand_out(std::span<WirePacket> packets);

  std::array<mmsghdr, kDatagrams> headers_{};
  std::array<iovec, kDatagrams> bytes_{};
  std::array<SocketAddress, kDatagrams> sources_{};
  std::array<Control, kDatagrams> controls_{};
  std::unique_ptr<std::byte[]> buffers_;  // not initialised: most of it is never touched
  // Buffers [0, first_) are handed out whole, [first_, used_) hold packets still, others are free.
  std::array<Datagram, kDatagrams> datagrams_{};
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  std::size_t packets_each_ = 1;  // in the datagrams that came last: what to expect of the next
  UdpCounters counters_;
};

}  // namespace mapwire::nic_fw
