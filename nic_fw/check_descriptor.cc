#include "mapwire/nic_fw/check_descriptor.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/work_request.h"

namespace mapwire::nic_fw {
namespace {

using proto::WorkOpcode;

// The byte is the application's, so it may hold a number that is no enumerator.
bool is_send_opcode(WorkOpcode opcode) {
  return opcode >= WorkOpcode::kSend && opcode <= WorkOpcode::kFetchAdd;
}

bool well_formed(const proto::SendDescriptor& descriptor) {
  return is_send_opcode(descriptor.opcode) && descriptor.sge_count <= proto::kSgeMax &&
         (descriptor.flags & ~proto::kFlagSolicited) == 0 && descriptor.reserved0 == 0 &&
         descriptor.reserved1 == 0 &&
         std::ranges::all_of(descriptor.reserved2, [](std::uint64_t word) { return word == 0; });
}

bool well_formed(const proto::ReceiveDescriptor& descriptor) {
  return descriptor.sge_count <= proto::kSgeMax &&
         std::ranges::all_of(descriptor.reserved, [](std::uint8_t byte) { return byte == 0; });
}

struct Elements {
  std::uint64_t bytes = 0;  // at most 3 * (2^32 - 1)
  bool allowed = true;      // each lies in memory its lkey allows; empty ones are not looked at
};

Elements look_at(std::span<const proto::Sge> elements, const MemoryTable& memory,
                 std::uint32_t protection_domain, LocalUse use) {
  Elements seen;
  for (const proto::Sge& element : elements) {
    seen.bytes += element.bytes;
    if (element.bytes == 0) continue;
    seen.allowed &=
        memory.allows(element.lkey, element.address, element.bytes, protection_domain, use);
  }
  return seen;
}

}  // namespace

Checked check(const proto::SendDescriptor& descriptor, const MemoryTable& memory,
              std::uint32_t protection_domain) {
  if (!well_formed(descriptor)) return {.verdict = Code::kInvalidDescriptor};
  const LocalUse use = needs_response(descriptor.opcode) ? LocalUse::kWrite : LocalUse::kRead;
  const Elements elements =
      look_at({descriptor.sge.data(), descriptor.sge_count}, memory, protection_domain, use);
  if (elements.bytes > proto::kMessageBytesMax) return {.verdict = Code::kInvalidDescriptor};
  if (is_atomic(descriptor.opcode) &&
      (descriptor.sge_count != 1 || elements.bytes != sizeof(std::uint64_t))) {
    return {.verdict = Code::kInvalidDescriptor};
  }
  if (!elements.allowed) return {.verdict = Code::kLocalProtection};
  return {.bytes = elements.bytes};
}

Checked check(const proto::ReceiveDescriptor& descriptor, const MemoryTable& memory,
              std::uint32_t protection_domain) {
  if (!well_formed(descriptor)) return {.verdict = Code::kInvalidDescriptor};
  const Elements elements = look_at({descriptor.sge.data(), descriptor.sge_count}, memory,
                                    protection_domain, LocalUse::kWrite);
  if (!elements.allowed) return {.verdict = Code::kLocalProtection};
  return {.bytes = elements.bytes};
}

WorkOpcode completion_opcode(const proto::SendDescriptor& descriptor) {
  return is_send_opcode(descriptor.opcode) ? descriptor.opcode : WorkOpcode::kSend;
}

}  // namespace mapwire::nic_fw
