// A work request between being taken from the send ring and its completion.
#pragma once

#include <cstdint>
#include <span>

#include "mapwire/nic_fw/psn.h"
#include "mapwire/proto/code.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::nic_fw {

struct WorkRequest {
  proto::SendDescriptor descriptor;  // our own copy, checked
  Code verdict = Code::kOk;          // not kOk: the request fails when its turn comes
  std::uint64_t bytes = 0;
  Psn first_psn = 0;
  Psn end_psn = 0;             // one past its last; equal to first_psn if the verdict is bad
  std::uint64_t messages = 0;  // of the queue pair's life, this request's included (IBTA: SSN)

  std::span<const proto::Sge> elements() const {
    return {descriptor.sge.data(), descriptor.sge_count};
  }
};

constexpr bool is_read(proto::WorkOpcode opcode) { return opcode == proto::WorkOpcode::kRead; }
constexpr bool is_atomic(proto::WorkOpcode opcode) {
  return opcode == proto::WorkOpcode::kCompareSwap || opcode == proto::WorkOpcode::kFetchAdd;
}
// Whether the peer answers with data, so that an acknowledgement alone does not complete it.
constexpr bool needs_response(proto::WorkOpcode opcode) {
  return is_read(opcode) || is_atomic(opcode);
}
// Whether the request consumes a receive at the peer.
constexpr bool needs_receive(proto::WorkOpcode opcode) {
  return opcode == proto::WorkOpcode::kSend || opcode == proto::WorkOpcode::kSendImmediate ||
         opcode == proto::WorkOpcode::kWriteImmediate;
}

}  // namespace mapwire::nic_fw
