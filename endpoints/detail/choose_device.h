// Which RDMA device an address leads to.
#pragma once

#include <expected>
#include <string>

#include "mapwire/runtime/error.h"

namespace mapwire::detail {

struct DeviceChoice {
  std::string device;  // empty: none
  std::string reason;  // why that one or none, for people
};

// The device whose address the kernel's route to `address` starts from; `address` is one of a peer,
// or of this host to listen on, as connect() and listen() take it, and is looked up. Errors:
// kBadOption, kUnknownHost, kSystemCall (no route, no list of devices).
std::expected<DeviceChoice, Error> choose_device(const std::string& address);

}  // namespace mapwire::detail
