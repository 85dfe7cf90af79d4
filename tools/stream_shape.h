// How the bare UDP stream of a baseline is cut.
#pragma once

#include <cstddef>

namespace mapwire::tools {

struct StreamShape {
  bool offload = false;           // UDP_SEGMENT and UDP_GRO: the kernel cuts and joins
  std::size_t segment_bytes = 0;  // of a datagram on the wire
  std::size_t send_bytes = 0;     // what one message of a system call carries
  std::size_t batch = 0;          // messages of a system call that sends
  std::size_t receives = 0;       // and of one that receives
  std::size_t window_bytes = 0;   // sent and not received at most; a multiple of a batch
};

// `receive_buffer_bytes` as the kernel granted it: the window fits into it with all that the kernel
// adds to a packet, so that none is lost. Precondition: segments of 1 to 4096 bytes.
StreamShape stream_shape(std::size_t segment_bytes, bool offload, std::size_t receive_buffer_bytes);

}  // namespace mapwire::tools
