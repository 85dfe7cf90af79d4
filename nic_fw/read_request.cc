#include "mapwire/nic_fw/read_request.h"

#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/packet_out.h"

namespace mapwire::nic_fw {
namespace {

// 16 to 64 responses a request: long enough to hide the request's own cost, short enough that 32 of
// them keep a long path busy and that a peer's socket buffer holds one.
std::uint64_t psns_per_request(std::uint32_t path_mtu) {
  constexpr std::uint64_t kBytes = 64 * 1024;
  constexpr std::uint64_t kPsnsMax = 64;
  return std::min(kBytes / path_mtu, kPsnsMax);
}

}  // namespace

Psn read_request_end(const WorkRequest& request, std::uint32_t path_mtu, Psn psn) {
  const std::uint64_t size = psns_per_request(path_mtu);
  const std::uint64_t end = ((psn - request.first_psn) / size + 1) * size;
  return std::min(request.first_psn + end, request.end_psn);
}

std::uint64_t message_count(const WorkRequest& request, std::uint32_t path_mtu) {
  if (!is_read(request.descriptor.opcode)) return 1;
  const std::uint64_t size = psns_per_request(path_mtu);
  return (request.end_psn - request.first_psn + size - 1) / size;
}

void put_read_request(EngineCore& core, const QueuePair& qp, const WorkRequest& request,
                      TransmitSlot& slot) {
  const Psn psn = qp.requester.send_psn;
  const std::uint64_t start = (psn - request.first_psn) * qp.peer.path_mtu;
  const Psn end_psn = read_request_end(request, qp.peer.path_mtu, psn);
  const std::uint64_t end =
      std::min<std::uint64_t>((end_psn - request.first_psn) * qp.peer.path_mtu, request.bytes);
  proto::Packet packet = packet_to_peer(qp, proto::Opcode::kReadRequest, psn);
  packet.bth.ack_request = true;
  packet.reth = {.address = request.descriptor.remote_address + start,
                 .rkey = request.descriptor.rkey,
                 .length = static_cast<std::uint32_t>(end - start)};
  put_packet(core, qp, slot, packet);
}

}  // namespace mapwire::nic_fw
