// Opening an RDMA device.
#pragma once

#include <expected>
#include <string>

#include "mapwire/runtime/verbs/handles.h"

namespace mapwire::verbs {

// Error: the errno that says why it cannot be opened, never 0.
std::expected<DeviceHandle, int> open_device(ibv_device* device);
// The same by its name; ENODEV: there is none of that name.
std::expected<DeviceHandle, int> open_device(const std::string& name);

}  // namespace mapwire::verbs
