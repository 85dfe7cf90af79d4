#include <fmt/format.h>

#include "tools/info_report.h"
#include "tools/machine.h"

namespace mapwire::tools {
namespace {

std::string line(int depth, std::string_view key, std::string_view value) {
  return fmt::format("{:{}}{:<{}}{}\n", "", depth * 4, fmt::format("{}:", key), 28 - depth * 4,
                     value);
}

std::string number(std::uint64_t value) {
  return value == 0 ? "not limited or not known" : fmt::format("{}", value);
}

std::string limits(const NicLimits& limits) {
  return line(1, "max_queue_pairs", number(limits.queue_pairs)) +
         line(1, "max_queue_entries", number(limits.queue_entries)) +
         line(1, "max_completions", number(limits.completion_entries)) +
         line(1, "max_sge", number(limits.sge)) +
         line(1, "max_inline_bytes", fmt::format("{}", limits.inline_bytes)) +
         line(1, "max_message_bytes", number(limits.message_bytes)) +
         line(1, "max_read_atomic", number(limits.read_atomic)) +
         line(1, "max_regions", number(limits.regions)) +
         line(1, "max_region_bytes", number(limits.region_bytes));
}

std::string port(const NicPort& port) {
  std::string text = line(1, "port", port.name) + line(2, "state", port.state) +
                     line(2, "link_layer", port.link) +
                     line(2, "active_mtu", fmt::format("{}", port.mtu_active)) +
                     line(2, "max_mtu", fmt::format("{}", port.mtu_max));
  for (const NicAddress& address : port.addresses) {
    text += line(2, fmt::format("GID[{}]", address.index),
                 fmt::format("{}, {}{}{}", address.address, address.type,
                             address.interface.empty() ? "" : ", ", address.interface));
  }
  return text;
}

std::string nic(const NicReport& report) {
  std::string text = line(0, "nic", fmt::format("{}/{}", report.nic, report.name));
  if (!report.problem.empty()) return text + line(1, "problem", report.problem);
  if (!report.firmware.empty()) text += line(1, "firmware", report.firmware);
  text += line(1, "on_demand_paging",
               report.on_demand_paging ? "yes" : "no, registered memory is pinned");
  text += limits(report.limits);
  for (const NicPort& each : report.ports) text += port(each);
  return text;
}

std::string candidate(const NicCandidate& candidate) {
  std::string text = fmt::format("{}/{}", candidate.nic, candidate.name);
  if (!candidate.port.empty()) {
    text += fmt::format(" port {} GID[{}]", candidate.port, candidate.gid_index);
  }
  if (!candidate.address.empty()) text += " " + candidate.address;
  return fmt::format("    {} {}: {}\n", candidate.chosen ? "->" : "  ", text,
                     candidate.chosen ? "chosen" : candidate.rejection);
}

std::string choice(const ConnectionChoice& choice) {
  std::string text = line(0, "connection to", choice.address);
  text += line(1, "route",
               fmt::format("from {} to {}", proto::to_string(choice.route.local),
                           proto::to_string(choice.route.remote)));
  text += line(1, "path_mtu", fmt::format("{}", choice.route.path_mtu));
  text += line(1, "auto", choice.reason);
  for (const NicCandidate& each : choice.candidates) text += candidate(each);
  return text;
}

}  // namespace

std::string info_text(const InfoReport& report) {
  std::string text =
      line(0, "mapwire", report.version) + line(0, "protocol", fmt::format("{}", report.protocol)) +
      line(0, "libibverbs", report.libibverbs) + line(0, "kernel", report.kernel) +
      line(0, "memlock",
           report.memlock_bytes == kUnlimited ? "unlimited"
                                              : fmt::format("{} bytes", report.memlock_bytes)) +
      line(0, "stores to bound memory",
           report.tracking_obstacle.empty()
               ? "told by the kernel"
               : "found by comparing all of it: " + report.tracking_obstacle);
  for (const NicReport& each : report.nics) text += "\n" + nic(each);
  if (!report.no_devices.empty()) text += "\n" + line(0, "RDMA devices", report.no_devices);
  text += "\n" + (report.choice ? choice(*report.choice)
                                : "mapwire info ADDRESS says which NIC connects to an address\n");
  text.pop_back();
  return text;
}

}  // namespace mapwire::tools
