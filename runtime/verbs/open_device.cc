#include "mapwire/runtime/verbs/open_device.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <expected>
#include <span>
#include <string>

namespace mapwire::verbs {
namespace {

// libibverbs looks elsewhere for a node that it may not open, and says then that it is not there.
int cause_of(const ibv_device& device, int failure) {
  if (failure != ENOENT) return failure != 0 ? failure : EIO;
  const std::string node = std::string{"/dev/infiniband/"} + device.dev_name;
  return ::access(node.c_str(), R_OK | W_OK) != 0 ? errno : failure;
}

}  // namespace

std::expected<DeviceHandle, int> open_device(ibv_device* device) {
  errno = 0;
  if (DeviceHandle context{ibv_open_device(device)}) return context;
  return std::unexpected(cause_of(*device, errno));
}

std::expected<DeviceHandle, int> open_device(const std::string& name) {
  int count = 0;
  const DeviceListHandle list{ibv_get_device_list(&count)};
  if (!list) return std::unexpected(errno);
  for (ibv_device* device : std::span{list.get(), static_cast<std::size_t>(count)}) {
    if (name == ibv_get_device_name(device)) return open_device(device);
  }
  return std::unexpected(ENODEV);
}

}  // namespace mapwire::verbs
