#include "mapwire/endpoints/detail/choose_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <expected>
#include <string>

#include "mapwire/endpoints/detail/address_parser.h"
#include "mapwire/endpoints/detail/host_addresses.h"
#include "mapwire/endpoints/listener.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::detail {
namespace {

using asio::ip::tcp;

std::expected<tcp::endpoint, Error> look_up(const HostPort& address) {
  asio::io_context io;
  asio::error_code failure;
  const auto found = tcp::resolver{io}.resolve(address.host, "", failure);
  if (!failure && !found.empty()) return found.begin()->endpoint();
  return std::unexpected(
      Error::make(Code::kUnknownHost, ErrorScope::kRequest,
                  fmt::format("host {}: {}; check the name", address.host, failure.message())));
}

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
  if (parsed->rdma) return DeviceChoice{.device = {}, .reason = "rdma:// is for the soft NIC"};
  if (parsed->host_port.host.empty()) {
    return DeviceChoice{.device = {}, .reason = "the loopback addresses are of no device"};
  }
  const auto remote = look_up(parsed->host_port);
  if (!remote) return std::unexpected(remote.error());
  if (remote->address().is_unspecified()) {
    return DeviceChoice{.device = {}, .reason = "a device does not serve every address"};
  }
  const auto local = local_address_towards(*remote);
  if (!local) return std::unexpected(local.error());
  const auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error());
  return judge(*devices, *local);
}

}  // namespace mapwire::detail
