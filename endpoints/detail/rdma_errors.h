// What goes wrong with rdma:// addresses, in sentences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// The NIC `nic` has no communication manager.
Error no_manager(std::string_view nic);
// Our request ended with `event`: kConnectionRefused, kPeerRefused or kConnectTimeout.
Error connect_error(const CmEvent& event, const proto::UdpAddress& service);
Error ended_in_set_up(const proto::UdpAddress& service);
Error private_data_too_long(std::size_t bytes);
// kMtuMismatch if the connection's path MTU is more than this side can have.
std::expected<void, Error> check_path_mtu(std::uint32_t path_mtu, std::uint32_t max);
Error backlog_full(const proto::UdpAddress& service);
Error disconnected(const proto::UdpAddress& peer);

}  // namespace mapwire::detail
