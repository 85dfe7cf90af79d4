#include "mapwire/nic_fw/request_payload.h"

#include "mapwire/nic_fw/packet_out.h"
#include "mapwire/nic_fw/scatter_gather.h"

namespace mapwire::nic_fw {

bool put_payload_packet(EngineCore& core, const QueuePair& qp, TransmitSlot& slot,
                        const proto::Packet& packet, const WorkRequest& request,
                        const Segment& part) {
  const auto payload = start_packet(slot, packet, part.bytes);
  if (!gather(core.memory, qp.options.protection_domain, request.elements(), part.offset,
              payload)) {
    return false;
  }
  finish_packet(core, qp, slot, packet, part.bytes);
  return true;
}

}  // namespace mapwire::nic_fw
