// Sends packets through a UDP socket in batches. Allocates nothing. One thread at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

#include "mapwire/nic_fw/udp_counters.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::nic_fw {

class UdpSender {
 public:
  // Packets per system call. More than a handful gains little; it bounds the arrays below.
  static constexpr std::size_t kBatchPackets = 32;

  explicit UdpSender(const UdpCounters& counters) : counters_{counters} {}

  // Sends `packets` in order through the socket `fd`, whose address is the source of them all, and
  // returns how many were taken: sent, or refused by the network for good. Fewer than given: the
  // kernel has no room now. Precondition: at most kBatchPackets.
  std::size_t send(int fd, std::span<const WirePacket> packets);

 private:
  std::array<mmsghdr, kBatchPackets> headers_{};
  std::array<iovec, kBatchPackets> bytes_{};
  std::array<SocketAddress, kBatchPackets> destinations_{};
  UdpCounters counters_;
};

}  // namespace mapwire::nic_fw
