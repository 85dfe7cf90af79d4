#include "tools/nic_report.h"

#include <algorithm>
#include <system_error>

#include "mapwire/endpoints/endpoint.h"
#include "mapwire/proto/address.h"
#include "mapwire/proto/descriptor.h"
#include "tools/path_mtu.h"

namespace mapwire::tools {
namespace {

NicPort report_interface(const Interface& interface, std::uint32_t path_mtu_max) {
  NicPort port{.name = interface.name,
               .active = interface.up,
               .state = interface.up ? "active" : "down",
               .link = "Ethernet",
               .mtu_active = std::min(path_mtu_of(interface.mtu), path_mtu_max),
               .mtu_max = path_mtu_max,
               .addresses = {}};
  for (const std::string& address : interface.addresses) {
    port.addresses.push_back({.index = static_cast<std::uint32_t>(port.addresses.size()),
                              .type = "RoCE v2",
                              .address = address,
                              .interface = interface.name});
  }
  return port;
}

NicPort report_port(const VerbsPort& port, const VerbsDevice& device) {
  NicPort report{.name = std::to_string(port.number),
                 .active = port.active,
                 .state = port.state,
                 .link = port.ethernet ? "Ethernet" : "InfiniBand",
                 .mtu_active = port.path_mtu,
                 .mtu_max = port.path_mtu_max,
                 .addresses = {}};
  for (const VerbsGid& gid : device.gids) {
    if (gid.port != port.number) continue;
    report.addresses.push_back({.index = gid.index,
                                .type = std::string{name(gid.type)},
                                .address = proto::to_string(gid.address),
                                .interface = gid.interface_name});
  }
  return report;
}

NicLimits limits_of(const VerbsDevice& device, std::uint32_t inline_bytes) {
  const auto longest = std::ranges::max_element(device.ports, {}, &VerbsPort::message_bytes_max);
  return {.queue_pairs = device.queue_pairs_max,
          .queue_entries = device.queue_entries_max,
          .completion_entries = device.completion_entries_max,
          .sge = device.sge_max,
          .inline_bytes = inline_bytes,
          .message_bytes = longest == device.ports.end() ? 0 : longest->message_bytes_max,
          .read_atomic = device.read_atomic_max,
          .regions = device.regions_max,
          .region_bytes = device.region_bytes_max == UINT64_MAX ? 0 : device.region_bytes_max};
}

}  // namespace

NicReport report_soft_nic(const NicAttributes& attributes,
                          const std::vector<Interface>& interfaces) {
  NicReport report{.nic = "soft", .name = "udp"};
  report.on_demand_paging = attributes.reads_any_memory;
  report.limits = {.queue_pairs = attributes.queue_pairs_max,
                   .queue_entries = attributes.queue_entries_max,
                   .completion_entries = attributes.completion_entries,
                   .sge = proto::kSgeMax,
                   .inline_bytes = kBounceBytes,
                   .message_bytes = proto::kMessageBytesMax,
                   .read_atomic = attributes.read_atomic_max};
  for (const Interface& interface : interfaces) {
    report.ports.push_back(report_interface(interface, attributes.path_mtu_max));
  }
  return report;
}

NicReport report_no_soft_nic(const Error& error) {
  NicReport report{.nic = "soft", .name = "udp"};
  report.problem = error.message;
  return report;
}

NicReport report_device(const VerbsDevice& device, std::uint32_t inline_bytes) {
  NicReport report{.nic = "verbs", .name = device.name};
  if (device.open_errno != 0) {
    report.problem = "cannot be opened: " + std::system_category().message(device.open_errno);
    return report;
  }
  report.firmware = device.firmware;
  report.on_demand_paging = device.on_demand_paging;
  report.limits = limits_of(device, inline_bytes);
  for (const VerbsPort& port : device.ports) report.ports.push_back(report_port(port, device));
  return report;
}

}  // namespace mapwire::tools
