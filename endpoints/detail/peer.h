// What the two sides of a connection know of each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mapwire/endpoints/window.h"
#include "mapwire/proto/address.h"

namespace mapwire::detail {

// What a side must know of the other's endpoint, beside the queue pair's address.
struct PeerTerms {
  RemoteBuffer words;  // PeerWords
  std::uint32_t receive_entries = 0;
};

// What the user is told of the other side; the rest of EndpointInfo is known here.
struct PeerInfo {
  proto::UdpAddress udp;
  std::uint32_t path_mtu = 0;
  std::string version;  // of mapwire; empty: another make
  std::optional<WindowTerms> exported{};
};

// How far the probes of set-up have come (probe.h).
struct ProbeProgress {
  std::uint32_t sent = 0;      // acknowledged: the small one, then the full one
  std::uint32_t received = 0;  // in the same order
  bool failed = false;         // the queue pair broke
};

inline constexpr std::uint32_t kProbes = 2;

// Whether the peer is mapwire, or a RoCE device or stack of any make.
enum class PeerMake : std::uint8_t { kMapwire, kForeign };

}  // namespace mapwire::detail
