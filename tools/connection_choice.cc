#include "tools/connection_choice.h"

#include "mapwire/proto/address.h"

namespace mapwire::tools {
namespace {

NicCandidate soft_candidate(const Route& route) {
  return {.nic = "soft", .name = "udp", .address = proto::to_string(route.local)};
}

NicCandidate verbs_candidate(const VerbsCandidate& judged) {
  NicCandidate candidate{.nic = "verbs", .name = judged.device, .rejection = judged.rejection};
  if (judged.gid.port == 0) return candidate;  // the device has no addresses
  candidate.port = std::to_string(judged.gid.port);
  candidate.gid_index = judged.gid.index;
  candidate.type = name(judged.gid.type);
  candidate.address = proto::to_string(judged.gid.address);
  candidate.interface = judged.gid.interface_name;
  return candidate;
}

bool belongs_to(const NicCandidate& candidate, const NicAttributes& nic) {
  return candidate.nic == nic.name && candidate.name == nic.wire;
}

}  // namespace

ConnectionChoice choose(const std::string& address, const Route& route, const ContextNic& nic,
                        const std::vector<VerbsDevice>& devices) {
  ConnectionChoice choice{
      .address = address, .route = route, .reason = nic.reason, .candidates = {}};
  for (const VerbsCandidate& judged : judge_candidates(devices, route.local)) {
    choice.candidates.push_back(verbs_candidate(judged));
  }
  choice.candidates.push_back(soft_candidate(route));
  bool chosen = false;
  for (NicCandidate& candidate : choice.candidates) {
    if (!candidate.rejection.empty()) continue;
    if (!belongs_to(candidate, nic.attributes)) {
      candidate.rejection = "is usable; not chosen: " + nic.reason;
    } else if (chosen) {
      candidate.rejection = "is usable; another address of its device comes first";
    } else {
      candidate.chosen = chosen = true;
    }
  }
  return choice;
}

}  // namespace mapwire::tools
