// mapwire info: what this machine and its NICs can do, and which one would connect to an address.
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/binding.h"
#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/nic_choice.h"
#include "mapwire/runtime/version.h"
#include "tools/commands.h"
#include "tools/findings.h"
#include "tools/info_report.h"
#include "tools/interfaces.h"
#include "tools/machine.h"
#include "tools/output.h"
#include "tools/rdma_sysfs.h"

namespace mapwire::tools {
namespace {

struct InfoOptions {
  std::string address;
  bool json = false;
};

std::expected<ContextNic, Error> context_nic(NicChoice nic, const std::string& address) {
  const auto context =
      Context::create({.threads = Threads::kSingle, .nic = nic, .address = address});
  if (!context) return std::unexpected(context.error());
  return ContextNic{context->nic_attributes(), context->nic_reason()};
}

InfoReport report_machine(const Machine& machine) {
  return {.version = std::string{version()},
          .protocol = kControlVersion,
          .libibverbs = libibverbs_version(),
          .kernel = machine.kernel,
          .memlock_bytes = machine.memlock_bytes,
          .tracking_obstacle = obstacle_to_tracking_stores()};
}

// libibverbs passes over devices without a node, which the kernel lists.
std::string why_no_devices(const Machine& machine) {
  if (!rdma_ports(machine.sys).empty()) {
    const Finding finding = check_permission(machine);
    if (finding.verdict != Verdict::kOk) return finding.text + "; " + finding.command;
  }
  const Finding finding = check_device(machine);
  return finding.command.empty() ? finding.text : finding.text + "; " + finding.command;
}

// The devices; where they cannot be listed, none, and the reason in `report`.
std::vector<VerbsDevice> add_devices(const Machine& machine, InfoReport& report) {
  auto devices = list_verbs_devices();
  if (!devices) {
    report.no_devices = devices.error().message;
    return {};
  }
  if (devices->empty()) report.no_devices = why_no_devices(machine);
  for (const VerbsDevice& device : *devices) {
    report.nics.push_back(report_device(device, verbs_inline_bytes(device.name)));
  }
  return *std::move(devices);
}

std::expected<InfoReport, Error> make_report(const std::string& address) {
  const Machine machine = this_machine();
  InfoReport report = report_machine(machine);
  const auto soft = context_nic(NicChoice::kSoft, {});
  report.nics.push_back(soft ? report_soft_nic(soft->attributes, list_interfaces())
                             : report_no_soft_nic(soft.error()));
  const auto devices = add_devices(machine, report);
  if (address.empty()) return report;
  const auto route = find_route(address);
  if (!route) return std::unexpected(route.error());
  const auto nic = context_nic(NicChoice::kAuto, address);
  report.choice =
      choose(address, *route, nic ? *nic : ContextNic{{}, nic.error().message}, devices);
  return report;
}

ExitCode print_info(const InfoOptions& options) {
  const auto report = make_report(options.address);
  if (!report) {
    print_error("info", report.error());
    return ExitCode::kFailed;
  }
  return print_result(options.json ? info_json(*report) : info_text(*report)) ? ExitCode::kOk
                                                                              : ExitCode::kFailed;
}

}  // namespace

void add_info(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command = app.add_subcommand(
      "info", "What the NICs of this machine can do, and which one connects to an address.");
  command->add_option("address", options->address,
                      "Peer to connect to, host or [v6%interface]; none: the NICs alone");
  command->add_flag("--json", options->json, "One JSON document instead of the text");
  command->callback([options, &exit_code] { exit_code = print_info(*options); });
}

}  // namespace mapwire::tools
