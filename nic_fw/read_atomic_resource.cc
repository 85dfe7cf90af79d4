#include "mapwire/nic_fw/read_atomic_resource.h"

#include <algorithm>
#include <cstdint>

namespace mapwire::nic_fw {

std::uint64_t response_count(std::uint64_t bytes, std::uint32_t path_mtu) {
  return std::max<std::uint64_t>((bytes + path_mtu - 1) / path_mtu, 1);
}

ReadAtomicResource* new_resource(Responder& responder, std::uint64_t psns) {
  if (responder.resources.size() == 0) return nullptr;
  ReadAtomicResource& resource =
      responder.resources[responder.resources_used % responder.resources.size()];
  if (resource.pending()) {
    if (!resource.answered) return nullptr;
    --responder.responses_pending;  // a duplicate that the peer can not be waiting for any more
  }
  ++responder.resources_used;
  const Psn first = responder.expected_psn;
  resource = {.first_psn = first,
              .end_psn = first + psns,
              .respond_psn = first,
              .respond_end = first + psns,
              .respond_first = first,
              .answered = false,
              .atomic = false,
              .read = {},
              .original = 0};
  ++responder.responses_pending;
  return &resource;
}

ReadAtomicResource* find_resource(Responder& responder, Psn psn) {
  for (ReadAtomicResource& resource : responder.resources.entries()) {
    if (psn >= resource.first_psn && psn < resource.end_psn) return &resource;
  }
  return nullptr;
}

void respond_from(Responder& responder, ReadAtomicResource& resource, Psn psn) {
  if (!resource.pending()) {
    ++responder.responses_pending;
  } else if (psn >= resource.respond_psn) {
    return;  // it is going to be sent anyway
  }
  resource.respond_psn = psn;
  resource.respond_first = psn;
  resource.respond_end = resource.end_psn;
}

ReadAtomicResource& next_to_respond(Responder& responder) {
  const std::uint64_t size = responder.resources.size();
  std::uint64_t index = responder.resources_used;  // the oldest
  while (!responder.resources[index % size].pending()) ++index;
  return responder.resources[index % size];
}

void note_responded(Responder& responder, ReadAtomicResource& resource) {
  ++resource.respond_psn;
  if (resource.pending()) return;
  resource.answered = true;
  --responder.responses_pending;
}

void drop_responses(Responder& responder, ReadAtomicResource& resource) {
  resource.respond_psn = resource.respond_end;
  --responder.responses_pending;
}

void drop_responses(Responder& responder) {
  for (ReadAtomicResource& resource : responder.resources.entries()) {
    resource.respond_psn = resource.respond_end;
  }
  responder.responses_pending = 0;
}

}  // namespace mapwire::nic_fw
