// Runs: consecutive packets that the kernel takes in one segmented send (UDP_SEGMENT, "GSO"). It
// carries them through its network stack as one and cuts them as late as it can: on a loopback or a
// virtual link never, elsewhere in the device or just before it.
#pragma once

#include <cstddef>
#include <span>

#include "mapwire/nic_fw/wire.h"

namespace mapwire::nic_fw {

// What kernels take: 64 pieces in all versions that know segmented sends, and as many bytes as one
// IPv4 packet has room for. The identifications of the pieces of an IPv4 packet count from 0.
inline constexpr std::size_t kRunPacketsMax = kIdentifications;
inline constexpr std::size_t kRunBytesMax = 65'507;

// How many of `packets`, from the first on, can go out as one run: of one flow and one length, only
// the last may be shorter. At least 1. IPv4 packets to proto::kRocePort, where devices listen, go
// alone: those check the ICRC against the identification that arrives, and whether every network
// device counts as the kernel does is not known. Precondition: not empty.
std::size_t run_packets(std::span<const WirePacket> packets);

}  // namespace mapwire::nic_fw
