// The checks that look at RDMA devices. Without any, the soft NIC does the work.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ranges>

#include "tools/findings.h"
#include "tools/path_mtu.h"
#include "tools/rdma_sysfs.h"

namespace mapwire::tools {
namespace {

constexpr std::string_view kNothing = "no RDMA device to look at";

std::string label(const RdmaPort& port) { return fmt::format("{}/{}", port.device, port.port); }

std::string netdev_of(const RdmaPort& port) {
  for (const RdmaGid& gid : port.gids) {
    if (!gid.netdev.empty()) return gid.netdev;
  }
  return {};
}

unsigned mtu_of(const Machine& machine, const std::string& netdev) {
  unsigned mtu = 0;
  std::ifstream{machine.sys / "class" / "net" / netdev / "mtu"} >> mtu;
  return mtu;
}

bool active(const RdmaPort& port) { return port.state == "ACTIVE"; }

bool has_routable_gid(const RdmaPort& port) {
  return std::ranges::any_of(port.gids, &RdmaGid::routable);
}

}  // namespace

Finding check_module(const Machine& machine) {
  if (!rdma_ports(machine.sys).empty()) {
    return {"module", Verdict::kOk, "an RDMA driver is loaded", ""};
  }
  if (std::filesystem::exists(machine.sys / "module" / "rdma_rxe")) {
    return {"module", Verdict::kOk, "rdma_rxe is loaded", ""};
  }
  return {"module", Verdict::kNote, "no RDMA driver is loaded; the soft NIC needs none",
          "for Soft-RoCE: `modprobe rdma_rxe` (not in kernels of the cloud flavour)"};
}

Finding check_device(const Machine& machine) {
  const auto ports = rdma_ports(machine.sys);
  if (ports.empty()) {
    return {"device", Verdict::kNote,
            "no RDMA device in this network namespace; the soft NIC serves",
            "for Soft-RoCE on the interface eth0: `rdma link add rxe0 type rxe netdev eth0`"};
  }
  return {"device", Verdict::kOk,
          fmt::format("{}", fmt::join(ports | std::views::transform(label), ", ")), ""};
}

Finding check_permission(const Machine& machine) {
  const auto nodes = rdma_nodes(machine.sys, machine.dev);
  if (rdma_ports(machine.sys).empty()) {
    return {"permission", Verdict::kOk, std::string{kNothing}, ""};
  }
  if (nodes.empty()) {
    return {"permission", Verdict::kWrong, "the kernel offers no device to user space",
            "`modprobe ib_uverbs`"};
  }
  for (const RdmaNode& node : nodes) {
    if (access(node.path.c_str(), R_OK | W_OK) == 0) continue;
    const int failure = errno;
    return {"permission", Verdict::kWrong,
            fmt::format("{} ({}): {}", node.path.native(), node.device, std::strerror(failure)),
            failure == ENOENT
                ? "let udev run, or give the container the node: `docker run --device "
                  "/dev/infiniband`"
                : fmt::format("give this user the node: `chmod 666 {}`, or a udev rule with "
                              "GROUP=\"rdma\"",
                              node.path.native())};
  }
  return {"permission", Verdict::kOk, "this user may open every device", ""};
}

Finding check_port_state(const Machine& machine) {
  const auto ports = rdma_ports(machine.sys);
  const auto down = std::ranges::find_if_not(ports, active);
  if (down == ports.end()) {
    return {"port_state", Verdict::kOk, ports.empty() ? std::string{kNothing} : "every port is up",
            ""};
  }
  const std::string netdev = netdev_of(*down);
  return {"port_state", Verdict::kWrong, fmt::format("{} is {}", label(*down), down->state),
          fmt::format("`ip link set {} up`, and look at the cable",
                      netdev.empty() ? "INTERFACE" : netdev)};
}

Finding check_gid(const Machine& machine) {
  const auto ports = rdma_ports(machine.sys);
  const auto lost = std::ranges::find_if_not(ports, has_routable_gid);
  if (lost == ports.end()) {
    return {"gid", Verdict::kOk,
            ports.empty() ? std::string{kNothing} : "every port has a routable RoCEv2 GID", ""};
  }
  const std::string netdev = netdev_of(*lost);
  return {"gid", Verdict::kWrong,
          fmt::format("{} has no routable RoCEv2 GID, of {} in its table", label(*lost),
                      lost->gids.size()),
          fmt::format("`ip addr add ADDRESS/LENGTH dev {}`; each address makes one",
                      netdev.empty() ? "INTERFACE" : netdev)};
}

Finding check_mtu(const Machine& machine) {
  for (const RdmaPort& port : rdma_ports(machine.sys)) {
    const std::string netdev = netdev_of(port);
    const unsigned mtu = netdev.empty() ? 0 : mtu_of(machine, netdev);
    if (mtu == 0 || path_mtu_of(mtu) == kPathMtuMax) continue;
    return {"mtu", Verdict::kNote,
            fmt::format("{}: the MTU of {} is {}, so packets carry less than 4096 bytes",
                        label(port), netdev, mtu),
            fmt::format("`ip link set {} mtu 9000` there, at the peer and on all between", netdev)};
  }
  return {"mtu", Verdict::kOk, "no port is held to small packets", ""};
}

}  // namespace mapwire::tools
