// The receiving half of a queue pair: plain state.
#pragma once

#include <cstdint>
#include <optional>

#include "mapwire/nic_fw/gap_latch.h"
#include "mapwire/nic_fw/psn.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/proto/headers.h"
#include "mapwire/runtime/lazy_memory.h"

namespace mapwire::nic_fw {

// A READ or atomic that was executed, remembered so that a duplicate is answered as the original
// was (IBTA 9.4.4, 9.4.5). Responses for [respond_psn, respond_end) are still to be sent.
struct ReadAtomicResource {
  Psn first_psn = 0;
  Psn end_psn = 0;
  Psn respond_psn = 0;
  Psn respond_end = 0;
  Psn respond_first = 0;  // where the run of responses started: that packet is FIRST or ONLY
  bool answered = false;  // all responses were sent once
  bool atomic = false;
  proto::Reth read;            // of a READ
  std::uint64_t original = 0;  // of an atomic

  bool pending() const { return respond_psn != respond_end; }
};

enum class IncomingMessage : std::uint8_t { kNone, kSend, kWrite };

struct Nak {
  bool due = false;
  proto::AethType type = proto::AethType::kNak;
  std::uint8_t value = 0;
  Psn psn = 0;
};

struct Responder {
  Psn expected_psn = 0;
  std::uint32_t msn = 0;  // messages completed; 24 bits go out

  // The message whose packets are arriving.
  IncomingMessage message = IncomingMessage::kNone;
  std::uint64_t message_bytes = 0;                  // so far
  proto::Reth write;                                // of a WRITE
  std::optional<proto::ReceiveDescriptor> receive;  // taken for it; its completion is reserved
  std::uint64_t receive_bytes = 0;                  // room in `receive`

  // The last READs and atomics: a ring, the oldest overwritten. Its size is what we told the peer
  // it may have outstanding, so whatever the peer can rightly repeat is in it.
  LazyArray<ReadAtomicResource> resources;
  std::uint64_t resources_used = 0;     // ever
  std::uint32_t responses_pending = 0;  // resources with pending()

  GapLatch gap;
  bool ack_due = false;
  Nak nak;
  bool rejected = false;  // `nak` was fatal: it answers everything from its PSN on
  std::uint8_t advertised_credits = proto::kNoCreditLimit;  // the code sent last
};

}  // namespace mapwire::nic_fw
