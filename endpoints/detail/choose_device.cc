#include "mapwire/endpoints/detail/choose_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <string>

#include "mapwire/endpoints/detail/address_parser.h"
#include "mapwire/endpoints/detail/host_addresses.h"
#include "mapwire/endpoints/detail/resolver.h"
#include "mapwire/endpoints/listener.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::detail {
namespace {

DeviceChoice judge(const std::vector<VerbsDevice>& devices, const proto::IpAddress& local) {
  const auto candidates = judge_candidates(devices, local);
  const auto usable = std::ranges::find_if(
      candidates, [](const VerbsCandidate& candidate) { return candidate.rejection.empty(); });
  if (usable == candidates.end()) return {.device = {}, .reason = describe(candidates)};
  return {.device = usable->device,
          .reason = fmt::format("port {} GID {} is {}, where the route starts", usable->gid.port,
                                usable->gid.index, proto::to_string(local))};
}

}  // namespace

std::expected<DeviceChoice, Error> choose_device(const std::string& address) {
  const auto parsed = parse_address(address, kDefaultPort);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->host_port.host.empty()) {
    return DeviceChoice{.device = {}, .reason = "the loopback addresses are of no device"};
  }
  const auto remotes = look_up(parsed->host_port);
  if (!remotes) return std::unexpected(remotes.error());
  if (remotes->front().address().is_unspecified()) {
    return DeviceChoice{.device = {}, .reason = "a device does not serve every address"};
  }
  const auto local = local_address_towards(remotes->front());
  if (!local) return std::unexpected(local.error());
  const auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error());
  return judge(*devices, *local);
}

}  // namespace mapwire::detail
