// The wire over ordinary UDP sockets, IPv4 and IPv6: RoCEv2 as any analyser and any RoCE device
// reads it, without a privilege.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>

#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

struct UdpWireOptions {
  // Of every socket; 0: any free one each. Devices and kernels listen at 4791 alone, which one
  // program per address may own and none beside rdma_rxe; between soft NICs any port serves.
  std::uint16_t port = 0;
  // Several packets in one message of the kernel, sent and received.
  bool segments = true;
  bool merges = true;
};

// Creates a wire without sockets; open() opens one for each local address. `counters` (null: none
// are kept) outlives it. Errors: kSystemCall (no descriptors).
std::expected<std::unique_ptr<Wire>, Error> make_udp_wire(const UdpWireOptions& options,
                                                          CounterBlock* counters);

}  // namespace mapwire::nic_fw
