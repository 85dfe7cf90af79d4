#include "tools/rdma_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::tools {
namespace {

bool works(const VerbsDevice& device, const VerbsGid& gid) {
  return std::ranges::any_of(judge_candidates({device}, gid.address),
                             [&](const VerbsCandidate& candidate) {
                               return candidate.gid.index == gid.index &&
                                      candidate.gid.port == gid.port && candidate.rejection.empty();
                             });
}

// Nothing: none works.
std::optional<std::string> first_of(const std::vector<VerbsDevice>& devices,
                                    proto::IpFamily family) {
  for (const VerbsDevice& device : devices) {
    for (const VerbsGid& gid : device.gids) {
      if (gid.address.family == family && works(device, gid)) return to_string(gid.address);
    }
  }
  return std::nullopt;
}

}  // namespace

std::expected<std::string, Error> first_rdma_address() {
  const auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error());
  for (const auto family : {proto::IpFamily::kV4, proto::IpFamily::kV6}) {
    if (auto address = first_of(*devices, family)) return *address;
  }
  return std::unexpected(
      Error::make(Code::kNoUsableNic, ErrorScope::kProcess,
                  fmt::format("RDMA devices: {}; `mapwire doctor` says what to do, or leave --nic "
                              "away",
                              describe(judge_candidates(*devices, {})))));
}

}  // namespace mapwire::tools
