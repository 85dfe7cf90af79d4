// Two NICs over libibverbs on one RDMA device, which loops their packets back.
#include <algorithm>
#include <array>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "mapwire/runtime/verbs/verbs_device.h"
#include "mapwire/runtime/verbs/verbs_nic.h"
#include "tests/conformance/real_time_world.h"
#include "tests/conformance/world.h"

namespace mapwire::conformance {
namespace {

std::expected<VerbsCandidate, std::string> first_ipv4() {
  const auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error().message);
  for (const VerbsDevice& device : *devices) {
    for (const VerbsGid& gid : device.gids) {
      if (gid.address.family != proto::IpFamily::kV4) continue;
      for (const VerbsCandidate& candidate : judge_candidates({device}, gid.address)) {
        if (candidate.rejection.empty()) return candidate;
      }
    }
  }
  return std::unexpected("no RDMA device with an IPv4 address; ./run softroce has one");
}

}  // namespace

std::expected<std::unique_ptr<World>, std::string> make_verbs_world() {
  const auto candidate = first_ipv4();
  if (!candidate) return std::unexpected(candidate.error());
  std::array<std::unique_ptr<Nic>, 2> nics;
  for (auto& nic : nics) {
    // Small enough that the tests reach every limit.
    auto made = verbs::make_verbs_nic({.device = candidate->device, .queue_pairs_max = 300});
    if (!made) return std::unexpected(made.error().message);
    nic = std::move(*made);
  }
  const std::string wire = nics[0]->attributes().wire;
  return std::make_unique<RealTimeWorld>(candidate->gid.address, std::move(nics), wire);
}

}  // namespace mapwire::conformance
