#include "tools/udp_stream_baseline.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>

#include "tools/far_end.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kWarmUpNs = 1'000'000;

// True if the kernel cuts what `near` sends into segments and joins what arrives at `far`.
bool turn_offload_on(const LoopbackSocket& near, const LoopbackSocket& far, std::size_t bytes) {
  const int segment_bytes = static_cast<int>(bytes);
  const int on = 1;
  return setsockopt(far.fd(), IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0 &&
         setsockopt(near.fd(), IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof(segment_bytes)) ==
             0;
}

}  // namespace

std::expected<std::unique_ptr<BandwidthBaseline>, Error> UdpStreamBaseline::create(
    std::size_t segment_bytes, int far_processor, bool offload) {
  auto near = LoopbackSocket::open();
  if (!near) return std::unexpected(near.error());
  auto far = LoopbackSocket::open();
  if (!far) return std::unexpected(far.error());
  // Nobody else's datagrams are to be counted.
  const auto* source = reinterpret_cast<const sockaddr*>(&near->address());
  if (connect(far->fd(), source, sizeof(near->address())) != 0) {
    return std::unexpected(socket_error(errno, "connect"));
  }
  const bool offloaded = offload && turn_offload_on(*near, *far, segment_bytes);
  const StreamShape shape = stream_shape(segment_bytes, offloaded, far->enlarge_receive_buffer());
  return std::unique_ptr<BandwidthBaseline>{
      new UdpStreamBaseline{*std::move(near), *std::move(far), shape, far_processor}};
}

UdpStreamBaseline::Messages::Messages(std::size_t count, std::size_t bytes,
                                      const sockaddr_in* address)
    : buffer(count * bytes), pieces(count), headers(count) {
  if (address != nullptr) destination = *address;
  for (std::size_t i = 0; i < count; ++i) {
    pieces[i] = {.iov_base = &buffer[i * bytes], .iov_len = bytes};
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    if (address == nullptr) continue;
    headers[i].msg_hdr.msg_name = &destination;
    headers[i].msg_hdr.msg_namelen = sizeof(destination);
  }
}

UdpStreamBaseline::UdpStreamBaseline(LoopbackSocket near, LoopbackSocket far,
                                     const StreamShape& shape, int far_processor)
    : near_{std::move(near)},
      far_{std::move(far)},
      shape_{shape},
      far_processor_{far_processor},
      outgoing_{shape.batch, shape.send_bytes, &far_.address()},
      incoming_{shape.receives, shape.offload ? kDatagramBytesMax : shape.segment_bytes, nullptr} {}

std::expected<void, Error> UdpStreamBaseline::measure(std::uint64_t duration_ns) {
  const auto far_end =
      start_far_end(far_processor_, [this](const std::stop_token& stop) { receive(stop); });
  if (!far_end) return std::unexpected(far_end.error());
  if (stream(kWarmUpNs)) {
    const std::uint64_t sent_before = sent_;
    const std::uint64_t start_ns = now_ns();
    if (stream(duration_ns)) {
      bytes_ += sent_ - sent_before;
      duration_ns_ += now_ns() - start_ns;
      return {};
    }
  }
  return std::unexpected(os_errno_ == 0 ? far_end_silent(name())
                                        : socket_error(os_errno_, "sendmmsg"));
}

// Until everything has arrived.
bool UdpStreamBaseline::stream(std::uint64_t duration_ns) {
  const std::uint64_t start_ns = now_ns();
  while (now_ns() - start_ns < duration_ns) {
    if (!await_room(shape_.batch * shape_.send_bytes) || !send_batch()) return false;
  }
  return await_room(shape_.window_bytes);
}

bool UdpStreamBaseline::await_room(std::uint64_t bytes) {
  Patience patience;
  while (sent_ - received_.load(std::memory_order_acquire) + bytes > shape_.window_bytes) {
    if (patience.has_ended()) return false;
  }
  return true;
}

bool UdpStreamBaseline::send_batch() {
  Patience patience;
  for (std::size_t done = 0; done < shape_.batch;) {
    const int count = sendmmsg(near_.fd(), &outgoing_.headers[done],
                               static_cast<unsigned>(shape_.batch - done), 0);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
      sent_ += static_cast<std::size_t>(count) * shape_.send_bytes;
    } else if (errno != EAGAIN && errno != ENOBUFS) {
      os_errno_ = errno;
      return false;
    } else if (patience.has_ended()) {
      return false;
    }
  }
  return true;
}

void UdpStreamBaseline::receive(const std::stop_token& stop) {
  while (true) {
    const int count = recvmmsg(far_.fd(), incoming_.headers.data(),
                               static_cast<unsigned>(incoming_.headers.size()), 0, nullptr);
    if (count <= 0) {
      if (stop.stop_requested()) return;
      continue;
    }
    std::uint64_t bytes = 0;
    for (int i = 0; i < count; ++i) bytes += incoming_.headers[static_cast<std::size_t>(i)].msg_len;
    received_.fetch_add(bytes, std::memory_order_release);
  }
}

}  // namespace mapwire::tools
