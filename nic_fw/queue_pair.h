// A queue pair: plain state. What happens to it stands in one file per event.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/requester.h"
#include "mapwire/nic_fw/responder.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::nic_fw {

enum class QueuePairState : std::uint8_t { kOpen, kConnected, kError };

struct QueuePair {
  QueuePair(const QueuePairOptions& open_options, const QueuePairRings& open_rings)
      : options{open_options}, rings{open_rings} {}

  Qpn qpn = 0;
  std::uint32_t slot = 0;  // its index in every per-queue-pair table of the engine
  QueuePairState state = QueuePairState::kOpen;
  QueuePairOptions options;
  QueuePairRings rings;
  std::uint32_t first_psn = 0;
  proto::Flow flow;  // of what it sends; the destination is known once connected
  QueuePairPeer peer;

  Requester requester;
  Responder responder;

  std::int64_t quantum_bytes = 0;  // left in its turn at the wire
  bool response_turn = false;      // responses and requests alternate within a turn
  // The completion queue was full when requests were to be taken from the rings: try again then.
  std::uint64_t take_again_at_ns = UINT64_MAX;
  Code error = Code::kOk;  // why it is in error, until poll_async reported it
};

}  // namespace mapwire::nic_fw
