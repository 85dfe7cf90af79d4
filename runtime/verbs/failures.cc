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

const char* how_to_open(int os_errno) {
  switch (os_errno) {
    case EACCES:
    case EPERM: return "let this user open its node: `chmod a+rw /dev/infiniband/uverbs*`";
    case ENOENT: return "give the container its node: `docker run --device /dev/infiniband`";
    default: return "check with `ibv_devinfo` that the device works";
  }
}

const char* how_to_make_room(int os_errno) {
  switch (os_errno) {
    case ENOMEM: return "allow more locked memory (`ulimit -l unlimited`) or use smaller queues";
    case EMFILE:
    case ENFILE: return "allow more open files: `ulimit -n`";
    case EINVAL: return "use smaller queues; `mapwire info` has the limits";
    default: return "close what is not needed; `mapwire info` has the limits";
  }
}

const char* how_to_register(int os_errno) {
  switch (os_errno) {
    case ENOMEM: return "allow more locked memory (`ulimit -l unlimited`), or register less";
    case EFAULT: return "register memory that is mapped, and writable if it has such a right";
    case EINVAL: return "a region that peers may write needs the right of local writing too";
    default: return "register less, or fewer regions; `mapwire info` has the limits";
  }
}

const char* how_to_reach_manager(int os_errno) {
  switch (os_errno) {
    case EACCES:
    case EPERM: return "let this user open its node: `chmod a+rw /dev/infiniband/rdma_cm`";
    case ENOENT:
    case ENODEV: return "load its module: `modprobe rdma_ucm`";
    default: return "leave rdma:// away, or use the soft NIC (MAPWIRE_NIC=soft)";
  }
}

}  // namespace

Error list_refused(int os_errno) {
  return Error::from_errno(code_of(os_errno), ErrorScope::kProcess, os_errno,
                           "list of RDMA devices",
                           "see `ls -l /sys/class/infiniband_verbs`, which must be readable");
}

Error no_device(const std::string& wanted, const std::vector<VerbsCandidate>& candidates) {
  const std::string object = wanted.empty() ? "verbs NIC" : device_object(wanted) + " is not there";
  const char* next = wanted.empty()
                         ? "`mapwire doctor` says what is missing and how to mend it, or "
                           "use the soft NIC (MAPWIRE_NIC=soft)"
                         : "name one that is there; `mapwire info` lists them";
  return Error::make(Code::kNoUsableNic, ErrorScope::kProcess,
                     fmt::format("{}: {}; {}", object, describe(candidates), next));
}

Error no_gid(const std::string& device, const proto::IpAddress& local,
             const std::vector<VerbsCandidate>& candidates) {
  return Error::make(
      Code::kNoUsableNic, ErrorScope::kEndpoint,
      fmt::format("RDMA device {}: has no RoCE v2 GID for the local address {} ({}); connect over "
                  "an address of its interface (`mapwire info ADDRESS` tells whether one fits), or "
                  "use the soft NIC (MAPWIRE_NIC=soft)",
                  device, proto::to_string(local), describe(candidates)));
}

Error open_refused(const std::string& device, int os_errno) {
  return Error::from_errno(code_of(os_errno), ErrorScope::kDevice, os_errno, device_object(device),
                           how_to_open(os_errno));
}

Error object_refused(const std::string& device, std::string_view object, int os_errno) {
  return Error::from_errno(code_of(os_errno), ErrorScope::kDevice, os_errno,
                           fmt::format("{}: {}", device_object(device), object),
                           how_to_make_room(os_errno));
}

Error region_refused(const std::string& device, std::size_t bytes, std::uint64_t memlock_bytes,
                     int os_errno) {
  const std::string object = fmt::format("{}: region of {} bytes (RLIMIT_MEMLOCK is {})",
                                         device_object(device), bytes, memlock_text(memlock_bytes));
  Error error = Error::from_errno(code_of(os_errno), ErrorScope::kRequest, os_errno, object,
                                  how_to_register(os_errno));
  if (os_errno == EFAULT || os_errno == EINVAL) error.code = Code::kInvalidArgument;
  return error;
}

Error transition_refused(const std::string& device, std::uint32_t qpn, std::string_view state,
                         const proto::IpAddress& peer, int os_errno) {
  const char* next =
      os_errno == EINVAL
          ? "check that the peer's address is of the same family and routed there (`ip route get`)"
          : "check with `ip neigh` that the peer answers, and that the link is up";
  return Error::from_errno(code_of(os_errno), ErrorScope::kEndpoint, os_errno,
                           fmt::format("{}: queue pair {} to {} towards {}", device_object(device),
                                       qpn, state, proto::to_string(peer)),
                           next);
}

Error manager_refused(int os_errno) {
  return Error::from_errno(code_of(os_errno), ErrorScope::kProcess, os_errno,
                           "connection manager of the kernel (/dev/infiniband/rdma_cm)",
                           how_to_reach_manager(os_errno));
}

Error address_refused(const std::string& device, const proto::UdpAddress& service, int os_errno) {
  const std::string object =
      fmt::format("{}: rdma:// at {}", device_object(device), proto::to_string(service));
  if (os_errno == EADDRINUSE) {
    return Error::from_errno(Code::kAddressInUse, ErrorScope::kRequest, os_errno, object,
                             "name another port, or end who listens there");
  }
  Error error = Error::from_errno(code_of(os_errno), ErrorScope::kRequest, os_errno, object,
                                  "name an address of an RDMA device; `mapwire info` lists them");
  if (os_errno == ENODEV || os_errno == EADDRNOTAVAIL) error.code = Code::kNoUsableNic;
  return error;
}

}  // namespace mapwire::verbs
