// A wire into a simulated network: what it sends leaves through one link, what it receives is what
// the network delivers to its addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "mapwire/nic_fw/sim_network.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

struct SimWireOptions {
  std::uint16_t port = proto::kRocePort;   // every address is reached at this port after open()
  std::size_t payload_bytes_max = 65'487;  // of a UDP packet: the most IPv6 carries
};

// Makes a wire whose packets leave through `egress`. `network` outlives it. open() fails with
// kAddressInUse if another wire of the network has the address.
// Threads: as SimNetwork.
std::unique_ptr<Wire> make_sim_wire(SimNetwork& network, SimLinkId egress,
                                    const SimWireOptions& options = {});

}  // namespace mapwire::nic_fw
