// Descriptors as libibverbs wants them.
#pragma once

#include <infiniband/verbs.h>

#include <array>
#include <cstdint>
#include <span>

#include "mapwire/proto/descriptor.h"

namespace mapwire::verbs {

// Not cleared when made: fill() writes all that is read of one.
struct SendWork {
  ibv_send_wr request;  // points to elements
  std::array<ibv_sge, proto::kSgeMax> elements;
};

struct ReceiveWork {
  ibv_recv_wr request;
  std::array<ibv_sge, proto::kSgeMax> elements;
};

// Whether the descriptor keeps to descriptor.h; nothing is said of keys and addresses.
bool well_formed(const proto::SendDescriptor& descriptor);
bool well_formed(const proto::ReceiveDescriptor& descriptor);

// Those that count.
std::span<const proto::Sge> elements_of(const proto::SendDescriptor& descriptor);
std::span<const proto::Sge> elements_of(const proto::ReceiveDescriptor& descriptor);
// Bytes of all elements. Precondition: well formed, as for what follows.
std::uint64_t total_bytes(const proto::SendDescriptor& descriptor);
bool is_one_sided_response(proto::WorkOpcode opcode);  // READ and atomics
bool is_unaligned_atomic(const proto::SendDescriptor& descriptor);
bool is_send_opcode(proto::WorkOpcode opcode);  // of a send queue at all

// `work` must stay where it is until it was posted.
void fill(SendWork& work, const proto::SendDescriptor& descriptor, std::uint64_t work_id);
void fill(ReceiveWork& work, const proto::ReceiveDescriptor& descriptor, std::uint64_t work_id);
// A receive that the device will fail when a message comes for it.
void fill_with_failure(ReceiveWork& work, std::uint64_t work_id);

}  // namespace mapwire::verbs
