// Splits what the kernel merged: with UDP_GRO ("generic receive offload") a datagram may be several
// packets of one flow, of one length but the last, and a control message tells that length.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>

namespace mapwire::nic_fw {

// The length of the packets that the received message `header` of `bytes` bytes is made of; `bytes`
// itself if it is one packet. Nothing if the datagram or its control messages were cut off, or the
// length told is not in 1..`bytes`: the packets can not be told apart, so none is believed.
std::optional<std::size_t> merged_packet_bytes(const msghdr& header, std::size_t bytes);

}  // namespace mapwire::nic_fw
