#include "mapwire/nic_fw/udp_receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>

#include "mapwire/nic_fw/udp_split.h"
#include "mapwire/proto/packet.h"
#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw {
namespace {

// No datagram is longer, merged or not.
constexpr std::size_t kBufferBytes = 64 * 1024;
// Were it a power of two, the beginnings of all buffers would compete for the same cache lines.
constexpr std::size_t kDatagramStride = kBufferBytes + 4096 + proto::kCacheLine;
constexpr std::size_t kPacketBytesHandedOutMax = proto::kPacketBytesMax + 1;

std::size_t quotient_rounded_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

UdpReceiver::UdpReceiver(const UdpCounters& counters)
    : buffers_{std::make_unique_for_overwrite<std::byte[]>(kDatagrams * kDatagramStride)},
      counters_{counters} {
  for (std::size_t i = 0; i < kDatagrams; ++i) {
    bytes_[i] = {.iov_base = &buffers_[i * kDatagramStride], .iov_len = kBufferBytes};
    headers_[i].msg_hdr.msg_name = &sources_[i];
    headers_[i].msg_hdr.msg_iov = &bytes_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = &controls_[i];
    expect(i);
  }
}

// The kernel shortens both when it receives.
void UdpReceiver::expect(std::size_t index) {
  headers_[index].msg_hdr.msg_namelen = sizeof(SocketAddress);
  headers_[index].msg_hdr.msg_controllen = sizeof(Control);
}

std::size_t UdpReceiver::begin(std::span<WirePacket> packets) {
  if (!holds_packets()) first_ = used_ = 0;
  return hand_out(packets);
}

std::size_t UdpReceiver::receive(const UdpSocket& socket, std::span<WirePacket> packets) {
  // What finds no room in `packets` would wait here and leave the cache meanwhile.
  const std::size_t wanted = quotient_rounded_up(packets.size(), packets_each_);
  const std::size_t count = std::min(wanted, kDatagrams - used_);
  if (count == 0) return 0;
  const int received = ::recvmmsg(socket.fd(), &headers_[used_], static_cast<unsigned>(count),
                                  MSG_DONTWAIT, nullptr);
  if (received < 0) {
    // Any other error concerns one packet that was sent before; reading it has cleared it.
    if (errno != EAGAIN) counters_.receive_errors.add();
    return 0;
  }
  packets_each_ = 1;
  for (int i = 0; i < received; ++i) take(socket, used_++);
  return hand_out(packets);
}

void UdpReceiver::take(const UdpSocket& socket, std::size_t index) {
  const std::size_t bytes = headers_[index].msg_len;
  const auto packet_bytes = merged_packet_bytes(headers_[index].msg_hdr, bytes);
  Datagram& datagram = datagrams_[index];
  datagram.bytes = {&buffers_[index * kDatagramStride], bytes};
  datagram.flow = {.source = from_socket_address(sources_[index]), .destination = socket.address()};
  datagram.flow.source.ip.scope_id = 0;
  datagram.packets = 0;
  if (!packet_bytes) {
    counters_.receive_malformed.add();
  } else {
    datagram.packet_bytes = *packet_bytes;
    datagram.packets = bytes == 0 ? 1 : quotient_rounded_up(bytes, *packet_bytes);
  }
  packets_each_ = std::max(packets_each_, datagram.packets);
  expect(index);
}

std::size_t UdpReceiver::hand_out(std::span<WirePacket> packets) {
  std::size_t count = 0;
  while (holds_packets()) {
    Datagram& datagram = datagrams_[first_];
    if (datagram.packets == 0) {  // all are handed out, or it was malformed
      ++first_;
      continue;
    }
    if (count == packets.size()) break;
    const std::size_t bytes = std::min(datagram.packet_bytes, datagram.bytes.size());
    packets[count++] = {.flow = datagram.flow,
                        .bytes = datagram.bytes.first(std::min(bytes, kPacketBytesHandedOutMax))};
    datagram.bytes = datagram.bytes.subspan(bytes);
    --datagram.packets;
  }
  return count;
}

}  // namespace mapwire::nic_fw
