#include "mapwire/runtime/verbs/queue_pair.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <string>

#include "mapwire/runtime/verbs/failures.h"
#include "mapwire/runtime/verbs/gid.h"

namespace mapwire::verbs {
namespace {

// IBTA 9.7.5.2.8: 0.64 ms between tries of a sender that found no receive.
constexpr std::uint8_t kMinRnrTimer = 12;
// 4.096 us * 2^14 = 67 ms until an unacknowledged packet is sent again (IBTA 9.7.6.1.3).
constexpr std::uint8_t kTimeout = 14;
constexpr std::uint8_t kRetries = 7;
constexpr std::uint8_t kRetryForEver = 7;  // as rnr_retry; our own deadline ends it
constexpr std::uint8_t kHopLimit = 64;
// The header and the largest payload that endpoints copy; perftest's default is nearly the same.
constexpr std::uint32_t kInlineBytesWanted = 272;

ibv_qp_init_attr attributes_of(ibv_cq* completions, const QueuePairOptions& options) {
  ibv_qp_init_attr attributes{};
  attributes.send_cq = completions;
  attributes.recv_cq = completions;
  attributes.qp_type = IBV_QPT_RC;
  attributes.sq_sig_all = 1;
  attributes.cap.max_send_wr = options.send_entries;
  attributes.cap.max_recv_wr = options.receive_entries;
  attributes.cap.max_send_sge = proto::kSgeMax;
  attributes.cap.max_recv_sge = proto::kSgeMax;
  return attributes;
}

int modify_to_receive(QueuePair& pair, const QueuePairPeer& peer, std::uint32_t read_atomic_max) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = static_cast<ibv_mtu>(std::countr_zero(peer.path_mtu) - 7);  // 256 is 1
  attributes.dest_qp_num = peer.address.qpn;
  attributes.rq_psn = peer.address.first_psn;
  attributes.max_dest_rd_atomic = static_cast<std::uint8_t>(read_atomic_max);
  attributes.min_rnr_timer = kMinRnrTimer;
  attributes.ah_attr.is_global = 1;
  attributes.ah_attr.port_num = pair.gid.port;
  attributes.ah_attr.grh.dgid = to_ibv_gid(peer.address.udp.ip);
  attributes.ah_attr.grh.sgid_index = static_cast<std::uint8_t>(pair.gid.index);
  attributes.ah_attr.grh.hop_limit = kHopLimit;
  return ibv_modify_qp(pair.handle.get(), &attributes,
                       IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
                           IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
}

int modify_to_send(QueuePair& pair, const QueuePairPeer& peer, std::uint32_t read_atomic_max) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTS;
  attributes.sq_psn = peer.send_psn.value_or(pair.first_psn);
  attributes.timeout = kTimeout;
  attributes.retry_cnt = kRetries;
  attributes.rnr_retry = kRetryForEver;
  attributes.max_rd_atomic =
      static_cast<std::uint8_t>(std::min(read_atomic_max, peer.address.read_atomic_max));
  return ibv_modify_qp(pair.handle.get(), &attributes,
                       IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
                           IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC);
}

}  // namespace

std::expected<QueuePairHandle, Error> create_queue_pair(const std::string& device, ibv_pd* domain,
                                                        ibv_cq* completions,
                                                        const QueuePairOptions& options,
                                                        std::uint32_t& inline_bytes) {
  // A device that has no room for inline data refuses the queue pair instead of giving less.
  for (const std::uint32_t wanted : {kInlineBytesWanted, 0U}) {
    ibv_qp_init_attr attributes = attributes_of(completions, options);
    attributes.cap.max_inline_data = wanted;
    QueuePairHandle pair{ibv_create_qp(domain, &attributes)};
    inline_bytes = std::min(attributes.cap.max_inline_data, wanted);
    if (pair) return pair;
    if (errno != EINVAL) break;
  }
  return std::unexpected(object_refused(device, "queue pair", errno));
}

std::expected<void, Error> to_init(const std::string& device, QueuePair& pair) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = pair.gid.port;
  // What a peer may do is the right of each region.
  attributes.qp_access_flags =
      IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
  const int failure =
      ibv_modify_qp(pair.handle.get(), &attributes,
                    IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
  if (failure == 0) return {};
  return std::unexpected(
      transition_refused(device, pair.handle->qp_num, "INIT", pair.gid.address, failure));
}

std::expected<void, Error> to_ready(const std::string& device, QueuePair& pair,
                                    const QueuePairPeer& peer, std::uint32_t read_atomic_max) {
  const int to_receive = modify_to_receive(pair, peer, read_atomic_max);
  const int failure = to_receive != 0 ? to_receive : modify_to_send(pair, peer, read_atomic_max);
  if (failure == 0) return {};
  return std::unexpected(transition_refused(
      device, pair.handle->qp_num, to_receive != 0 ? "RTR" : "RTS", peer.address.udp.ip, failure));
}

// By way of the error state: rxe of Linux 6.1, told to reset a queue pair while packets come for
// it, now and then gives up one reference too many ("refcount_t: underflow" when it is destroyed),
// after which the kernel's memory is no more what it was.
void to_reset(QueuePair& pair) {
  for (const ibv_qp_state state : {IBV_QPS_ERR, IBV_QPS_RESET}) {
    ibv_qp_attr attributes{};
    attributes.qp_state = state;
    ibv_modify_qp(pair.handle.get(), &attributes, IBV_QP_STATE);
  }
}

}  // namespace mapwire::verbs
