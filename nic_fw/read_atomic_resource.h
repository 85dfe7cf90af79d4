// The responder's memory of READs and atomics, and which of their responses are still to be sent.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/responder.h"

namespace mapwire::nic_fw {

// PSNs that a READ of `bytes` takes: one per response, and an empty one has one.
std::uint64_t response_count(std::uint64_t bytes, std::uint32_t path_mtu);

// A resource for the request at the expected PSN, all `psns` responses due. Null if the peer has
// more requests outstanding than it was told it may.
ReadAtomicResource* new_resource(Responder& responder, std::uint64_t psns);

// The resource that holds `psn`; null if it is none or forgotten.
ReadAtomicResource* find_resource(Responder& responder, Psn psn);

// Responses of `resource` from `psn` on are due again.
void respond_from(Responder& responder, ReadAtomicResource& resource, Psn psn);

// The oldest resource with responses due. Precondition: responses_pending > 0.
ReadAtomicResource& next_to_respond(Responder& responder);

// The response for respond_psn was sent.
void note_responded(Responder& responder, ReadAtomicResource& resource);

// No response of `resource` is due any more. Precondition: some were.
void drop_responses(Responder& responder, ReadAtomicResource& resource);

// Nothing is due any more.
void drop_responses(Responder& responder);

}  // namespace mapwire::nic_fw
