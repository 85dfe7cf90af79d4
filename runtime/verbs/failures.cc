#include "mapwire/runtime/verbs/failures.h"

#include <cerrno>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace mapwire::verbs {
namespace {

std::string device_object(const std::string& device) {
  return fmt::format("RDMA device {}", device);
}

Code code_of(int os_errno) {
  switch (os_errno) {
    case EACCES:
    case EPERM: return Code::kPermission;
    case ENOMEM: return Code::kOutOfMemory;
    case ENOSPC:
    case EMFILE:
    case ENFILE: return Code::kLimitReached;
    default: return Code::kSystemCall;
  }
}

std::string memlock_text(std::uint64_t bytes) {
  return bytes == UINT64_MAX ? "unlimited" : fmt::format("{} bytes", bytes);
}

}  // namespace

Error list_refused(int os_errno) {
  return Error::from_errno(code_of(os_errno), ErrorScope::kProcess, os_errno,
                           "list of RDMA devices",
                           "check that /sys/class/infiniband_verbs can be read");
}

Error no_device(const std::vector<VerbsCandidate>& candidates) {
  const char* next = candidates.empty()
                         ? "load one (modprobe rdma_rxe; rdma link add rxe0 type rxe netdev NAME), "
                           "or use the soft NIC (MAPWIRE_NIC=soft)"
                         : "mend what is said there, or use the soft NIC (MAPWIRE_NIC=soft)";
  return Error::make(Code::kNoUsableNic, ErrorScope::kProcess,
                     fmt::format("verbs NIC: {}; {}", describe(candidates), next));
}

Error no_gid(const std::string& device, const proto::IpAddress& local,
             const std::vector<VerbsCandidate>& candidates) {
  return Error::make(
      Code::kNoUsableNic, ErrorScope::kEndpoint,
      fmt::format("RDMA device {}: has no RoCE v2 GID for the local address {} ({}); connect over "
                  "an address of its interface, or use the soft NIC (MAPWIRE_NIC=soft)",
                  device, proto::to_string(local), describe(candidates)));
}

Error open_refused(const std::string& device, int os_errno) {
  const bool permission = os_errno == EACCES || os_errno == EPERM;
  return Error::from_errno(
      code_of(os_errno), ErrorScope::kDevice, os_errno, device_object(device),
      permission ? "let the user open /dev/infiniband/uverbs* (chmod a+rw, or its group)"
                 : "check with `ibv_devinfo` that the device works");
}

Error object_refused(const std::string& device, std::string_view object, int os_errno) {
  const char* next = os_errno == ENOMEM
                         ? "raise the limit of locked memory (ulimit -l) or use smaller queues"
                     : os_errno == EINVAL ? "use smaller queues; `ibv_devinfo -v` has the limits"
                                          : "close what is not needed, and check `ibv_devinfo -v`";
  return Error::from_errno(code_of(os_errno), ErrorScope::kDevice, os_errno,
                           fmt::format("{}: {}", device_object(device), object), next);
}

Error region_refused(const std::string& device, std::size_t bytes, std::uint64_t memlock_bytes,
                     int os_errno) {
  const std::string object = fmt::format("{}: region of {} bytes (RLIMIT_MEMLOCK is {})",
                                         device_object(device), bytes, memlock_text(memlock_bytes));
  const char* next =
      os_errno == ENOMEM   ? "raise the limit of locked memory (ulimit -l), or register less"
      : os_errno == EFAULT ? "register memory that is mapped, and writable if it has such a right"
      : os_errno == EINVAL ? "a region that peers may write needs the right of local writing too"
                           : "register less, or fewer regions";
  Error error = Error::from_errno(code_of(os_errno), ErrorScope::kRequest, os_errno, object, next);
  if (os_errno == EFAULT || os_errno == EINVAL) error.code = Code::kInvalidArgument;
  return error;
}

Error transition_refused(const std::string& device, std::uint32_t qpn, std::string_view state,
                         const proto::IpAddress& peer, int os_errno) {
  const char* next = os_errno == EINVAL
                         ? "check that the peer's address is of the same family and routed there"
                         : "check with `ip neigh` that the peer answers, and that the link is up";
  return Error::from_errno(code_of(os_errno), ErrorScope::kEndpoint, os_errno,
                           fmt::format("{}: queue pair {} to {} towards {}", device_object(device),
                                       qpn, state, proto::to_string(peer)),
                           next);
}

}  // namespace mapwire::verbs
