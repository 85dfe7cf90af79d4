#include "mapwire/runtime/verbs/cm_event.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

#include "mapwire/proto/headers.h"
#include "mapwire/runtime/socket_address.h"

namespace mapwire::verbs {
namespace {

proto::UdpAddress address_of(const sockaddr* from_kernel) {
  SocketAddress address{};
  std::memcpy(&address, from_kernel,
              from_kernel->sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6));
  return from_socket_address(address);
}

// What the kernel would have a queue pair set to in this state.
std::expected<ibv_qp_attr, int> attributes_for(rdma_cm_id* id, ibv_qp_state state) {
  ibv_qp_attr attributes{};
  attributes.qp_state = state;
  int mask = 0;
  if (rdma_init_qp_attr(id, &attributes, &mask) != 0) return std::unexpected(errno);
  return attributes;
}

}  // namespace

std::expected<CmEvent, int> describe_peer(const rdma_cm_event& event) {
  const auto receiving = attributes_for(event.id, IBV_QPS_RTR);
  if (!receiving) return std::unexpected(receiving.error());
  const auto sending = attributes_for(event.id, IBV_QPS_RTS);
  if (!sending) return std::unexpected(sending.error());
  const rdma_conn_param& told = event.param.conn;
  CmEvent result{
      .service = address_of(rdma_get_local_addr(event.id)),
      .peer = {.udp = {.ip = address_of(rdma_get_peer_addr(event.id)).ip, .port = proto::kRocePort},
               .qpn = receiving->dest_qp_num,
               .first_psn = sending->sq_psn,
               .read_atomic_max = told.initiator_depth},
      .path_mtu = 128U << receiving->path_mtu,  // ibv_mtu: 256 is 1
      .receive_psn = receiving->rq_psn};
  const std::span data{static_cast<const std::byte*>(told.private_data), told.private_data_len};
  std::ranges::copy(data.first(std::min(data.size(), result.private_data.size())),
                    result.private_data.begin());
  return result;
}

}  // namespace mapwire::verbs
