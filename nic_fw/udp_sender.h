// Sends packets through a UDP socket in batches. Allocates nothing. One thread at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/udp_counters.h"
#include "mapwire/nic_fw/udp_run.h"
#include "mapwire/nic_fw/udp_socket.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::nic_fw {

class UdpSender {
 public:
  // Packets per system call: a run of the longest kind. It bounds the arrays below.
  static constexpr std::size_t kBatchPackets = kRunPacketsMax;

  explicit UdpSender(const UdpCounters& counters) : counters_{counters} {}

  // Sends `packets` in order through `socket`, whose address is the source of them all, and returns
  // how many were taken: sent, or refused by the network for good. Fewer than given: the kernel has
  // no room now. Runs (udp_run.h) go out as one as long as the socket and the network can do that;
  // if they turn out not to, the socket is told and the packets go singly. Precondition: at most
  // kBatchPackets.
  std::size_t send(UdpSocket& socket, std::span<const WirePacket> packets);

 private:
  // What one message of the system call needs beside its header.
  struct Message {
    SocketAddress destination{};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> control{};
    std::size_t packets = 0;
  };

  std::size_t prepare(std::span<const WirePacket> packets, bool segmented);
  void prepare_message(std::size_t index, std::span<const WirePacket> run);
  std::size_t add_pieces(std::span<const WirePacket> run);
  std::size_t packets_of_messages(std::size_t count) const;

  std::array<mmsghdr, kBatchPackets> headers_{};
  std::array<Message, kBatchPackets> messages_{};
  // A packet is one piece, or two where its ICRC is replaced.
  std::array<iovec, 2 * kBatchPackets> pieces_{};
  std::array<std::uint32_t, kBatchPackets> icrcs_{};
  std::size_t pieces_used_ = 0;
  std::size_t icrcs_used_ = 0;
  UdpCounters counters_;
};

}  // namespace mapwire::nic_fw
