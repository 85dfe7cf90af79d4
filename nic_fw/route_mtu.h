// What a route carries in one piece, and the path MTU of RoCEv2 that follows from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

// The largest UDP payload that the kernel's route from `local` to `remote` carries unfragmented, in
// bytes: the MTU of the outgoing interface, or of the path where routers have reported less, less
// the IP and UDP headers. Sends nothing. Errors: kSystemCall (no route; not an address of this
// host; addresses of different families or scopes).
std::expected<std::size_t, Error> route_payload_bytes_max(const proto::IpAddress& local,
                                                          const proto::IpAddress& remote);

// The largest path MTU (a power of two, 256..4096) whose packets fit `payload_bytes_max`, the
// answer for `local` and `remote`. Errors: kMtuMismatch (not even 256 fits).
std::expected<std::uint32_t, Error> path_mtu_for(std::size_t payload_bytes_max,
                                                 const proto::IpAddress& local,
                                                 const proto::IpAddress& remote);

}  // namespace mapwire::nic_fw
