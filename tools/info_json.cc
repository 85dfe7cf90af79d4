#include <nlohmann/json.hpp>

#include "tools/info_report.h"
#include "tools/machine.h"

namespace mapwire::tools {
namespace {

using nlohmann::json;

json number_or_null(std::uint64_t value) { return value == 0 ? json{} : json(value); }

json to_json(const NicLimits& limits) {
  return {{"queue_pairs", number_or_null(limits.queue_pairs)},
          {"queue_entries", number_or_null(limits.queue_entries)},
          {"completion_entries", number_or_null(limits.completion_entries)},
          {"sge", number_or_null(limits.sge)},
          {"inline_bytes", limits.inline_bytes},
          {"message_bytes", number_or_null(limits.message_bytes)},
          {"read_atomic", number_or_null(limits.read_atomic)},
          {"regions", number_or_null(limits.regions)},
          {"region_bytes", number_or_null(limits.region_bytes)}};
}

json to_json(const NicPort& port) {
  json addresses = json::array();
  for (const NicAddress& address : port.addresses) {
    addresses.push_back({{"index", address.index},
                         {"type", address.type},
                         {"address", address.address},
                         {"interface", address.interface}});
  }
  return {{"port", port.name}, {"active", port.active},         {"state", port.state},
          {"link", port.link}, {"mtu_active", port.mtu_active}, {"mtu_max", port.mtu_max},
          {"gids", addresses}};
}

json to_json(const NicReport& report) {
  json ports = json::array();
  for (const NicPort& port : report.ports) ports.push_back(to_json(port));
  return {{"nic", report.nic},
          {"name", report.name},
          {"problem", report.problem},
          {"firmware", report.firmware},
          {"on_demand_paging", report.on_demand_paging},
          {"limits", report.problem.empty() ? to_json(report.limits) : json{}},
          {"ports", ports}};
}

json to_json(const NicCandidate& candidate) {
  const bool has_gid = !candidate.port.empty();
  return {{"nic", candidate.nic},
          {"name", candidate.name},
          {"port", candidate.port},
          {"gid_index", has_gid ? json(candidate.gid_index) : json{}},
          {"type", candidate.type},
          {"address", candidate.address},
          {"interface", candidate.interface},
          {"chosen", candidate.chosen},
          {"rejection", candidate.rejection}};
}

json to_json(const ConnectionChoice& choice) {
  json candidates = json::array();
  for (const NicCandidate& candidate : choice.candidates) candidates.push_back(to_json(candidate));
  return {{"address", choice.address},
          {"local", proto::to_string(choice.route.local)},
          {"remote", proto::to_string(choice.route.remote)},
          {"path_mtu", choice.route.path_mtu},
          {"reason", choice.reason},
          {"candidates", candidates}};
}

}  // namespace

std::string info_json(const InfoReport& report) {
  json document{{"schema", 1}, {"tool", "mapwire info"}};
  document["versions"] = {{"mapwire", report.version},
                          {"protocol", report.protocol},
                          {"libibverbs", report.libibverbs},
                          {"kernel", report.kernel}};
  document["memlock_bytes"] =
      report.memlock_bytes == kUnlimited ? json{} : json(report.memlock_bytes);
  document["no_tracking"] = report.tracking_obstacle;
  document["nics"] = json::array();
  for (const NicReport& nic : report.nics) document["nics"].push_back(to_json(nic));
  document["no_devices"] = report.no_devices;
  document["choice"] = report.choice ? to_json(*report.choice) : json{};
  return document.dump(2);
}

}  // namespace mapwire::tools
