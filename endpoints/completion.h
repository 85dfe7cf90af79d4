// The end of a work request.
#pragma once

#include <cstdint>

#include "mapwire/proto/code.h"

namespace mapwire {

enum class Operation : std::uint8_t {
  kSend,
  kReceive,
  kWrite,
  kRead,
  kCompareSwap,
  kFetchAdd,
  kReceiveWrite,  // a posted receive was consumed by the peer's WRITE with immediate
  kNotification,  // an importer's put_notify (window.h)
  kTripwire,      // an access touched a tripwire (tripwire.h); of no endpoint
};

// Identifies an endpoint within its context; never reused.
using EndpointId = std::uint64_t;

struct Completion {
  std::uint64_t cookie = 0;  // of the post
  EndpointId endpoint = 0;
  Operation operation = Operation::kSend;
  Code status = Code::kOk;
  bool has_immediate = false;
  std::uint32_t immediate = 0;
  std::uint64_t bytes = 0;  // moved; 0 unless status is kOk
};

}  // namespace mapwire
