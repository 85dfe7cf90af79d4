#include "mapwire/runtime/verbs/work_completion.h"

#include <arpa/inet.h>

#include <cstdint>

#include "mapwire/runtime/verbs/work_request.h"

namespace mapwire::verbs {
namespace {

using proto::CompletionEntry;
using proto::WorkOpcode;

void fill_received(CompletionEntry& entry, const ibv_wc& completion) {
  if (completion.opcode == IBV_WC_RECV_RDMA_WITH_IMM) entry.opcode = WorkOpcode::kReceiveWrite;
  entry.bytes = completion.byte_len;
  if ((completion.wc_flags & IBV_WC_WITH_IMM) == 0) return;
  entry.flags = proto::kFlagImmediate;
  entry.immediate = ntohl(completion.imm_data);
}

}  // namespace

Code to_code(ibv_wc_status status, bool is_receive) {
  switch (status) {
    case IBV_WC_SUCCESS: return Code::kOk;
    case IBV_WC_WR_FLUSH_ERR: return Code::kFlushed;
    case IBV_WC_LOC_LEN_ERR: return is_receive ? Code::kReceiveTooSmall : Code::kInvalidDescriptor;
    case IBV_WC_LOC_QP_OP_ERR: return is_receive ? Code::kReceiveTooSmall : Code::kRetryExceeded;
    case IBV_WC_LOC_EEC_OP_ERR:
    case IBV_WC_LOC_ACCESS_ERR:
    case IBV_WC_LOC_PROT_ERR:
    case IBV_WC_MW_BIND_ERR: return Code::kLocalProtection;
    case IBV_WC_BAD_RESP_ERR: return Code::kBadResponse;
    case IBV_WC_REM_INV_REQ_ERR:
    case IBV_WC_REM_INV_RD_REQ_ERR:
      return is_receive ? Code::kReceiveTooSmall : Code::kRemoteInvalidRequest;
    case IBV_WC_REM_ACCESS_ERR: return Code::kRemoteAccess;
    case IBV_WC_REM_OP_ERR:
    case IBV_WC_REM_ABORT_ERR: return Code::kRemoteOperational;
    case IBV_WC_RETRY_EXC_ERR:
    case IBV_WC_RESP_TIMEOUT_ERR: return Code::kRetryExceeded;
    case IBV_WC_RNR_RETRY_EXC_ERR: return Code::kRnrRetryExceeded;
    case IBV_WC_LOC_RDD_VIOL_ERR:
    case IBV_WC_INV_EECN_ERR:
    case IBV_WC_INV_EEC_STATE_ERR:
    case IBV_WC_FATAL_ERR:
    case IBV_WC_GENERAL_ERR:
    case IBV_WC_TM_ERR:
    case IBV_WC_TM_RNDV_INCOMPLETE: break;
  }
  return Code::kDeviceFailed;
}

CompletionEntry success(const Request& request, const ibv_wc& completion) {
  CompletionEntry entry{.cookie = request.cookie,
                        .qpn = completion.qp_num,
                        .bytes = request.bytes,
                        .status = static_cast<std::uint16_t>(Code::kOk),
                        .opcode = request.opcode};
  if (request.opcode == WorkOpcode::kReceive) fill_received(entry, completion);
  return entry;
}

CompletionEntry failure(const Request& request, std::uint32_t qpn, Code status) {
  return {.cookie = request.cookie,
          .qpn = qpn,
          .status = static_cast<std::uint16_t>(status),
          .opcode = request.opcode};
}

}  // namespace mapwire::verbs
