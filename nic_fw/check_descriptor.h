// Decides whether a descriptor that somebody pushed into a ring is one. It is judged on our copy.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/proto/code.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::nic_fw {

struct Checked {
  Code verdict = Code::kOk;
  std::uint64_t bytes = 0;  // of all elements; 0 unless the verdict is kOk
};

// kOk; kInvalidDescriptor: unknown opcode or flag, too many elements, a reserved byte set, more
// than kMessageBytesMax, an atomic whose element is not 8 bytes; kLocalProtection: an lkey refuses.
Checked check(const proto::SendDescriptor& descriptor, const MemoryTable& memory,
              std::uint32_t protection_domain);
Checked check(const proto::ReceiveDescriptor& descriptor, const MemoryTable& memory,
              std::uint32_t protection_domain);

// What the completion of a send descriptor says it was: its opcode, or kSend if that is none for a
// send queue. A refused descriptor must not pass for a receive with whoever counts completions.
proto::WorkOpcode completion_opcode(const proto::SendDescriptor& descriptor);

}  // namespace mapwire::nic_fw
