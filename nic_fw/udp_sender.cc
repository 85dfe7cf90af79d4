#include "mapwire/nic_fw/udp_sender.h"

#include <netinet/udp.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {
namespace {

bool is_no_room(int os_errno) {
  return os_errno == EAGAIN || os_errno == ENOBUFS || os_errno == ENOMEM || os_errno == EINTR;
}

// What kernels answer to a run where the path can not segment: a device without checksum offload or
// an IPsec policy (EIO), a filter or an emulated kernel that knows no such message. EINVAL and
// EMSGSIZE also stand for packets longer than the route takes, so singly is tried next.
bool may_be_of_segmenting(int os_errno) {
  return os_errno == EIO || os_errno == EINVAL || os_errno == EMSGSIZE || os_errno == EOPNOTSUPP ||
         os_errno == ENOPROTOOPT;
}

// The kernel only reads the bytes; iovec has no const.
iovec piece_of(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

std::size_t UdpSender::send(UdpSocket& socket, std::span<const WirePacket> packets) {
  std::size_t taken = 0;
  bool segmented = socket.segments();
  while (taken < packets.size()) {
    const std::size_t messages = prepare(packets.subspan(taken), segmented);
    const int sent =
        ::sendmmsg(socket.fd(), headers_.data(), static_cast<unsigned>(messages), MSG_DONTWAIT);
    if (sent > 0) {
      taken += packets_of_messages(static_cast<std::size_t>(sent));
      if (!segmented && socket.segments()) {
        socket.stop_segmenting();  // what it refused as a run it takes singly
        counters_.segmenting_stopped.add();
      }
    } else if (is_no_room(errno)) {
      counters_.send_blocked.add();
      break;
    } else if (messages_[0].packets > 1 && may_be_of_segmenting(errno)) {
      segmented = false;
    } else {
      // No route, refused by a filter, larger than the route's MTU, or a late ICMP error that may
      // be about another packet: in each case packets are lost, as on any network, and the
      // transport recovers them.
      counters_.send_refused.add(messages_[0].packets);
      taken += messages_[0].packets;
      segmented = socket.segments();
    }
  }
  return taken;
}

// Makes headers for all packets; returns how many.
std::size_t UdpSender::prepare(std::span<const WirePacket> packets, bool segmented) {
  pieces_used_ = 0;
  icrcs_used_ = 0;
  std::size_t count = 0;
  while (!packets.empty()) {
    const std::size_t run = segmented ? run_packets(packets) : 1;
    prepare_message(count++, packets.first(run));
    packets = packets.subspan(run);
  }
  return count;
}

void UdpSender::prepare_message(std::size_t index, std::span<const WirePacket> run) {
  Message& message = messages_[index];
  msghdr& header = headers_[index].msg_hdr;
  message.packets = run.size();
  header.msg_name = &message.destination;
  header.msg_namelen = to_socket_address(run.front().flow.destination, message.destination);
  header.msg_iov = &pieces_[pieces_used_];
  header.msg_iovlen = add_pieces(run);
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  if (run.size() == 1) return;
  header.msg_control = message.control.data();
  header.msg_controllen = message.control.size();
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto segment_bytes = static_cast<std::uint16_t>(run.front().bytes.size());
  std::memcpy(CMSG_DATA(control), &segment_bytes, sizeof(segment_bytes));
}

// The kernel gives the packets of an IPv4 run the identifications 0, 1, 2 and so on.
std::size_t UdpSender::add_pieces(std::span<const WirePacket> run) {
  const std::size_t before = pieces_used_;
  const bool counted = run.front().flow.source.ip.family == proto::IpFamily::kV4;
  pieces_[pieces_used_++] = piece_of(run.front().bytes);
  for (std::size_t i = 1; i < run.size(); ++i) {
    const auto bytes = run[i].bytes;
    if (!counted) {
      pieces_[pieces_used_++] = piece_of(bytes);
      continue;
    }
    std::uint32_t& icrc = icrcs_[icrcs_used_++];
    icrc = proto::icrc_under(static_cast<std::uint16_t>(i), bytes);
    pieces_[pieces_used_++] = piece_of(bytes.first(bytes.size() - proto::kIcrcBytes));
    pieces_[pieces_used_++] = piece_of(std::as_bytes(std::span{&icrc, 1}));
  }
  return pieces_used_ - before;
}

std::size_t UdpSender::packets_of_messages(std::size_t count) const {
  std::size_t packets = 0;
  for (const Message& message : std::span{messages_}.first(count)) packets += message.packets;
  return packets;
}

}  // namespace mapwire::nic_fw
