// What exporter and importer tell each other of leases: the memory of an export on a device is
// pinned part by part, while importers hold leases on these (docs/windows.md).
#pragma once

#include <cstdint>

#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// Of an exported buffer.
struct LeaseRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

enum class LeaseAct : std::uint8_t {
  // By the importer.
  kWanted = 1,  // range
  kReturned,    // rkey
  // By the exporter.
  kGranted,   // rkey: of what was wanted
  kRefused,   // code
  kRecalled,  // rkey: is to be returned
};

struct LeaseMessage {
  LeaseAct act = LeaseAct::kWanted;
  std::uint32_t rkey = 0;
  LeaseRange range{};
  Code code = Code::kOk;
};

}  // namespace mapwire::detail
