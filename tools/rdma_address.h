// An address of this host that an RDMA device serves.
#pragma once

#include <expected>
#include <string>

#include "mapwire/runtime/error.h"

namespace mapwire::tools {

// The first of the devices that work, IPv4 before IPv6. Errors: kNoUsableNic, kSystemCall.
std::expected<std::string, Error> first_rdma_address();

}  // namespace mapwire::tools
