#include <net/if.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire {
namespace {

// A GID holds no scope: of a link-local address its interface tells.
bool is_same_address(const VerbsGid& gid, const proto::IpAddress& local) {
  if (gid.address.family != local.family || gid.address.bytes != local.bytes) return false;
  return local.scope_id == 0 || local.scope_id == ::if_nametoindex(gid.interface_name.c_str());
}

const VerbsPort* find_port(const VerbsDevice& device, std::uint8_t number) {
  const auto port = std::ranges::find(device.ports, number, &VerbsPort::number);
  return port == device.ports.end() ? nullptr : &*port;
}

std::string rejection(const VerbsPort* port, const VerbsGid& gid,
                      const std::optional<proto::IpAddress>& local) {
  if (gid.type != GidType::kRoceV2) return fmt::format("is {}, not RoCE v2", name(gid.type));
  if (local && !is_same_address(gid, *local)) {
    return fmt::format("is not {}", proto::to_string(*local));
  }
  if (port == nullptr || !port->active) return "its port is down";
  return {};
}

std::string why_no_gids(const VerbsDevice& device) {
  if (device.open_errno == 0) return "has no addresses; give its network interface one";
  return fmt::format("cannot be opened: {}", std::system_category().message(device.open_errno));
}

}  // namespace

std::string_view name(GidType type) {
  switch (type) {
    case GidType::kInfiniBand: return "InfiniBand";
    case GidType::kRoceV1: return "RoCE v1";
    case GidType::kRoceV2: return "RoCE v2";
  }
  return "?";
}

std::vector<VerbsCandidate> judge_candidates(const std::vector<VerbsDevice>& devices,
                                             const std::optional<proto::IpAddress>& local) {
  std::vector<VerbsCandidate> candidates;
  for (const VerbsDevice& device : devices) {
    if (device.gids.empty()) {
      candidates.push_back({.device = device.name, .gid = {}, .rejection = why_no_gids(device)});
    }
    for (const VerbsGid& gid : device.gids) {
      const VerbsPort* port = find_port(device, gid.port);
      candidates.push_back({.device = device.name,
                            .gid = gid,
                            .path_mtu = port == nullptr ? 0 : port->path_mtu,
                            .rejection = rejection(port, gid, local)});
    }
  }
  return candidates;
}

std::string describe(const std::vector<VerbsCandidate>& candidates) {
  if (candidates.empty()) return "no RDMA device";
  std::string text;
  for (const VerbsCandidate& candidate : candidates) {
    if (!text.empty()) text += "; ";
    text += candidate.device;
    if (candidate.gid.port != 0) {
      text += fmt::format(" port {} GID {} {} ({}, {})", candidate.gid.port, candidate.gid.index,
                          proto::to_string(candidate.gid.address), name(candidate.gid.type),
                          candidate.gid.interface_name);
    }
    text += candidate.rejection.empty() ? ": usable" : ": " + candidate.rejection;
  }
  return text;
}

}  // namespace mapwire
