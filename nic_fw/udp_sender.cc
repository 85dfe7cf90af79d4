#include "mapwire/nic_fw/udp_sender.h"

#include <cerrno>
#include <cstddef>
#include <span>

namespace mapwire::nic_fw {
namespace {

bool is_no_room(int os_errno) {
  return os_errno == EAGAIN || os_errno == ENOBUFS || os_errno == ENOMEM || os_errno == EINTR;
}

}  // namespace

std::size_t UdpSender::send(int fd, std::span<const WirePacket> packets) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    // The kernel only reads the bytes; iovec has no const.
    bytes_[i] = {.iov_base = const_cast<std::byte*>(packets[i].bytes.data()),
                 .iov_len = packets[i].bytes.size()};
    headers_[i].msg_hdr.msg_name = &destinations_[i];
    headers_[i].msg_hdr.msg_namelen =
        to_socket_address(packets[i].flow.destination, destinations_[i]);
    headers_[i].msg_hdr.msg_iov = &bytes_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
  std::size_t taken = 0;
  while (taken < packets.size()) {
    const int sent = ::sendmmsg(fd, &headers_[taken], static_cast<unsigned>(packets.size() - taken),
                                MSG_DONTWAIT);
    if (sent > 0) {
      taken += static_cast<std::size_t>(sent);
    } else if (is_no_room(errno)) {
      counters_.send_blocked.add();
      break;
    } else {
      // No route, refused by a filter, larger than the route's MTU, or a late ICMP error that may
      // be about another packet: in each case one packet is lost, as on any network, and the
      // transport recovers it.
      counters_.send_refused.add();
      ++taken;
    }
  }
  return taken;
}

}  // namespace mapwire::nic_fw
