// The cookie of a descriptor, by which a completion of the NIC finds its way back. The user's own
// cookie waits in the endpoint's queue of pending requests.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/endpoints/completion.h"

namespace mapwire::detail {

// What a descriptor is for. All but the first two are our own and never shown to the user.
enum class WorkKind : std::uint8_t {
  kSend,
  kReceive,
  kCreditUpdate,
  kProbeSend,
  kProbeReceive,
  kNotification,
  // Of a rendezvous.
  kHeader,
  kOffer,
  kPull,
  kPulledUpdate,
};

// An EndpointId is a slot of the endpoint table (low 16 bits) and the number of endpoints opened
// before it in this context (44 bits); a cookie has the kind in the 4 bits below.
inline constexpr unsigned kSlotBits = 16;
inline constexpr unsigned kKindBits = 4;
inline constexpr std::size_t kEndpointsMax = std::size_t{1} << kSlotBits;

constexpr EndpointId make_endpoint_id(std::uint64_t number, std::size_t slot) {
  return (number << kSlotBits) | slot;
}
constexpr std::size_t slot_of(EndpointId id) { return id & (kEndpointsMax - 1); }

constexpr std::uint64_t make_cookie(EndpointId id, WorkKind kind) {
  return (id << kKindBits) | static_cast<std::uint64_t>(kind);
}
constexpr EndpointId endpoint_of(std::uint64_t cookie) { return cookie >> kKindBits; }
constexpr WorkKind kind_of(std::uint64_t cookie) {
  return static_cast<WorkKind>(cookie & ((1U << kKindBits) - 1));
}

}  // namespace mapwire::detail
