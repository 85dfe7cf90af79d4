// The RDMA devices of this network namespace as the kernel lists them in sysfs. It needs no library
// and no permission, so it also tells of devices that this user may not open.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mapwire::tools {

struct RdmaGid {
  unsigned index = 0;
  std::string address;  // as text: an IPv4 address for an IPv4-mapped GID, else IPv6
  std::string type;     // "RoCE v2", "IB/RoCE v1"
  std::string netdev;   // empty if the kernel names none

  // Whether a RoCEv2 packet can carry it through a router.
  bool routable() const;
};

struct RdmaPort {
  std::string device;  // "rxe0"
  unsigned port = 0;
  std::string state;  // "ACTIVE", "DOWN"
  std::vector<RdmaGid> gids;
};

// The node that opens a device to user space.
struct RdmaNode {
  std::string device;
  std::filesystem::path path;  // "/dev/infiniband/uverbs0"
};

// `sys` is where sysfs is mounted. What cannot be read counts as not there.
std::vector<RdmaPort> rdma_ports(const std::filesystem::path& sys);
std::vector<RdmaNode> rdma_nodes(const std::filesystem::path& sys,
                                 const std::filesystem::path& dev);

}  // namespace mapwire::tools
