#include "tools/stream_shape.h"

#include <algorithm>

#include "tools/loopback_socket.h"

namespace mapwire::tools {
namespace {

constexpr std::size_t kSegmentsMax = 64;  // that every kernel with UDP_SEGMENT takes at once
// As many as the wire gives to a system call.
constexpr std::size_t kSendsMax = 32;
constexpr std::size_t kReceivesMax = 64;
// More bytes under way are no faster, and fall out of the caches.
constexpr std::size_t kWindowBytesMax = 512 << 10;

// What the kernel counts for a packet that waits: it may round its memory up to twice the bytes.
constexpr std::size_t kPacketOverheadBytes = 2048;
constexpr std::size_t counted_bytes(std::size_t bytes) { return 2 * bytes + kPacketOverheadBytes; }

}  // namespace

StreamShape stream_shape(std::size_t segment_bytes, bool offload,
                         std::size_t receive_buffer_bytes) {
  StreamShape shape{.offload = offload, .segment_bytes = segment_bytes};
  shape.send_bytes = offload
                         ? segment_bytes * std::min(kSegmentsMax, kDatagramBytesMax / segment_bytes)
                         : segment_bytes;
  const std::size_t room =
      std::max<std::size_t>(1, receive_buffer_bytes / counted_bytes(shape.send_bytes));
  shape.batch = offload ? 1 : std::min(kSendsMax, room);
  shape.receives = offload ? kWindowBytesMax / kDatagramBytesMax : kReceivesMax;
  const std::size_t sends =
      std::min(room, std::max(2 * kSendsMax, kWindowBytesMax / shape.send_bytes));
  shape.window_bytes = sends / shape.batch * shape.batch * shape.send_bytes;
  return shape;
}

}  // namespace mapwire::tools
