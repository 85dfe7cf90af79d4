#include "tools/rdma_address.h"

#include <fmt/format.h>

#include <vector>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::tools {
namespace {

bool works(const VerbsDevice& device, const VerbsGid& gid) {
  for (const VerbsCandidate& candidate : judge_candidates({device}, gid.address)) {
    if (candidate.gid.index == gid.index && candidate.gid.port == gid.port) {
      return candidate.rejection.empty();
    }
  }
  return false;
}

}  // namespace

std::expected<std::string, Error> first_rdma_address() {
  const auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error());
  for (const auto family : {proto::IpFamily::kV4, proto::IpFamily::kV6}) {
    for (const VerbsDevice& device : *devices) {
      for (const VerbsGid& gid : device.gids) {
        if (gid.address.family == family && works(device, gid)) {
          return proto::to_string(gid.address);
        }
      }
    }
  }
  return std::unexpected(
      Error::make(Code::kNoUsableNic, ErrorScope::kProcess,
                  fmt::format("RDMA devices: {}; `mapwire doctor` says what to do, or leave --nic "
                              "away",
                              describe(judge_candidates(*devices, {})))));
}

}  // namespace mapwire::tools
