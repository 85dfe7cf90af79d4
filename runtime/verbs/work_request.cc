#include "mapwire/runtime/verbs/work_request.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>

namespace mapwire::verbs {
namespace {

using proto::WorkOpcode;

// No driver hands out this one.
constexpr std::uint32_t kNoLkey = UINT32_MAX;

bool is_atomic(WorkOpcode opcode) {
  return opcode == WorkOpcode::kCompareSwap || opcode == WorkOpcode::kFetchAdd;
}

// By WorkOpcode; well_formed() refuses the rest. A table, because a jump costs more.
constexpr std::array kOpcodes{IBV_WR_SEND,
                              IBV_WR_SEND,
                              IBV_WR_SEND_WITH_IMM,
                              IBV_WR_RDMA_WRITE,
                              IBV_WR_RDMA_WRITE_WITH_IMM,
                              IBV_WR_RDMA_READ,
                              IBV_WR_ATOMIC_CMP_AND_SWP,
                              IBV_WR_ATOMIC_FETCH_AND_ADD};
static_assert(kOpcodes[static_cast<std::size_t>(WorkOpcode::kSend)] == IBV_WR_SEND &&
              kOpcodes[static_cast<std::size_t>(WorkOpcode::kFetchAdd)] ==
                  IBV_WR_ATOMIC_FETCH_AND_ADD);

void fill_elements(std::span<ibv_sge> to, std::span<const proto::Sge> from) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = {.addr = from[i].address, .length = from[i].bytes, .lkey = from[i].lkey};
  }
}

}  // namespace

std::span<const proto::Sge> elements_of(const proto::SendDescriptor& descriptor) {
  return std::span{descriptor.sge}.first(descriptor.sge_count);
}

std::span<const proto::Sge> elements_of(const proto::ReceiveDescriptor& descriptor) {
  return std::span{descriptor.sge}.first(descriptor.sge_count);
}

bool is_send_opcode(WorkOpcode opcode) {
  return opcode >= WorkOpcode::kSend && opcode <= WorkOpcode::kFetchAdd;
}

bool is_one_sided_response(WorkOpcode opcode) {
  return opcode == WorkOpcode::kRead || is_atomic(opcode);
}

bool is_unaligned_atomic(const proto::SendDescriptor& descriptor) {
  return is_atomic(descriptor.opcode) && descriptor.remote_address % sizeof(std::uint64_t) != 0;
}

bool well_formed(const proto::SendDescriptor& descriptor) {
  const std::uint64_t reserved =
      std::accumulate(descriptor.reserved2.begin(), descriptor.reserved2.end(),
                      std::uint64_t{descriptor.reserved0} | descriptor.reserved1, std::bit_or<>{});
  if (!is_send_opcode(descriptor.opcode) || descriptor.sge_count > proto::kSgeMax ||
      (descriptor.flags & ~proto::kFlagSolicited) != 0 || reserved != 0) {
    return false;
  }
  const std::uint64_t bytes = total_bytes(descriptor);
  if (bytes > proto::kMessageBytesMax) return false;
  return !is_atomic(descriptor.opcode) ||
         (descriptor.sge_count == 1 && bytes == sizeof(std::uint64_t));
}

bool well_formed(const proto::ReceiveDescriptor& descriptor) {
  return descriptor.sge_count <= proto::kSgeMax &&
         std::ranges::all_of(descriptor.reserved, [](std::uint8_t byte) { return byte == 0; });
}

std::uint64_t total_bytes(const proto::SendDescriptor& descriptor) {
  std::uint64_t bytes = 0;
  for (const proto::Sge& element : elements_of(descriptor)) bytes += element.bytes;
  return bytes;
}

void fill(SendWork& work, const proto::SendDescriptor& descriptor, std::uint64_t work_id) {
  fill_elements(work.elements, elements_of(descriptor));
  ibv_send_wr& request = work.request;
  request.next = nullptr;
  request.wr_id = work_id;
  request.sg_list = work.elements.data();
  request.num_sge = descriptor.sge_count;
  request.opcode = kOpcodes[static_cast<std::size_t>(descriptor.opcode)];
  request.send_flags = IBV_SEND_SIGNALED;
  if ((descriptor.flags & proto::kFlagSolicited) != 0) request.send_flags |= IBV_SEND_SOLICITED;
  request.imm_data = htonl(descriptor.immediate);
  if (is_atomic(descriptor.opcode)) {
    const bool compares = descriptor.opcode == WorkOpcode::kCompareSwap;
    request.wr.atomic.remote_addr = descriptor.remote_address;
    request.wr.atomic.rkey = descriptor.rkey;
    request.wr.atomic.compare_add = compares ? descriptor.compare : descriptor.swap_or_add;
    request.wr.atomic.swap = compares ? descriptor.swap_or_add : 0;
  } else {
    request.wr.rdma.remote_addr = descriptor.remote_address;
    request.wr.rdma.rkey = descriptor.rkey;
  }
}

void fill(ReceiveWork& work, const proto::ReceiveDescriptor& descriptor, std::uint64_t work_id) {
  fill_elements(work.elements, elements_of(descriptor));
  work.request.next = nullptr;
  work.request.wr_id = work_id;
  work.request.sg_list = work.elements.data();
  work.request.num_sge = descriptor.sge_count;
}

void fill_with_failure(ReceiveWork& work, std::uint64_t work_id) {
  work.elements[0] = {.addr = 0, .length = UINT32_MAX / 2, .lkey = kNoLkey};
  work.request.next = nullptr;
  work.request.wr_id = work_id;
  work.request.sg_list = work.elements.data();
  work.request.num_sge = 1;
}

}  // namespace mapwire::verbs
