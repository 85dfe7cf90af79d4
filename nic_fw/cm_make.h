// The messages that begin a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/cm_core.h"
#include "mapwire/proto/cm_mad.h"

namespace mapwire::nic_fw {

// Asks for `connection`. Precondition: at most kCmRequestPrivateBytes of private data.
proto::CmReq make_cm_req(const CmCore& core, const CmConnection& connection,
                         std::span<const std::byte> private_data);

// Accepts a request that wanted `initiator_depth` READs and atomics outstanding. Precondition: at
// most kCmReplyPrivateBytes of private data.
proto::CmRep make_cm_rep(const CmCore& core, const CmConnection& connection,
                         std::uint32_t initiator_depth, std::span<const std::byte> private_data);

}  // namespace mapwire::nic_fw
