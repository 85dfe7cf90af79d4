#include "mapwire/nic_fw/check_descriptor.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/scatter_gather.h"
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

}  // namespace

Code check(const proto::SendDescriptor& descriptor, const MemoryTable& memory,
           std::uint32_t protection_domain) {
  if (!well_formed(descriptor)) return Code::kInvalidDescriptor;
  const std::span elements{descriptor.sge.data(), descriptor.sge_count};
  const std::uint64_t bytes = total_bytes(elements);
  if (bytes > proto::kMessageBytesMax) return Code::kInvalidDescriptor;
  if (is_atomic(descriptor.opcode) && (elements.size() != 1 || bytes != sizeof(std::uint64_t))) {
    return Code::kInvalidDescriptor;
  }
  const LocalUse use = needs_response(descriptor.opcode) ? LocalUse::kWrite : LocalUse::kRead;
  if (!allowed(memory, protection_domain, elements, use)) return Code::kLocalProtection;
  return Code::kOk;
}

Code check(const proto::ReceiveDescriptor& descriptor, const MemoryTable& memory,
           std::uint32_t protection_domain) {
  if (!well_formed(descriptor)) return Code::kInvalidDescriptor;
  const std::span elements{descriptor.sge.data(), descriptor.sge_count};
  if (!allowed(memory, protection_domain, elements, LocalUse::kWrite)) {
    return Code::kLocalProtection;
  }
  return Code::kOk;
}

WorkOpcode completion_opcode(const proto::SendDescriptor& descriptor) {
  return is_send_opcode(descriptor.opcode) ? descriptor.opcode : WorkOpcode::kSend;
}

}  // namespace mapwire::nic_fw
