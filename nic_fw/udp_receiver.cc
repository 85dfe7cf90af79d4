#include "mapwire/nic_fw/udp_receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>

namespace mapwire::nic_fw {

UdpReceiver::UdpReceiver(const UdpCounters& counters)
    : buffers_(kBatchPackets * kBufferStride), counters_{counters} {
  for (std::size_t i = 0; i < kBatchPackets; ++i) {
    bytes_[i] = {.iov_base = &buffers_[i * kBufferStride], .iov_len = kBufferBytes};
    headers_[i].msg_hdr.msg_name = &sources_[i];
    headers_[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
    headers_[i].msg_hdr.msg_iov = &bytes_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

std::size_t UdpReceiver::receive(const UdpSocket& socket, std::span<WirePacket> packets) {
  const std::size_t room = std::min(packets.size(), kBatchPackets - used_);
  if (room == 0) return 0;
  const int received =
      ::recvmmsg(socket.fd(), &headers_[used_], static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
  if (received < 0) {
    // Any other error concerns one packet that was sent before; reading it has cleared it.
    if (errno != EAGAIN) counters_.receive_errors.add();
    return 0;
  }
  const auto count = static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count; ++i) {
    mmsghdr& header = headers_[used_ + i];
    header.msg_hdr.msg_namelen = sizeof(SocketAddress);  // the kernel shortened it
    packets[i].flow = {.source = from_socket_address(sources_[used_ + i]),
                       .destination = socket.address()};
    packets[i].flow.source.ip.scope_id = 0;
    packets[i].bytes = {&buffers_[(used_ + i) * kBufferStride], header.msg_len};
  }
  used_ += count;
  return count;
}

}  // namespace mapwire::nic_fw
