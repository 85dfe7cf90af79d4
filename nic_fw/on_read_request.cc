#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/accept_request.h"
#include "mapwire/nic_fw/on_request.h"
#include "mapwire/nic_fw/read_atomic_resource.h"

namespace mapwire::nic_fw {

void on_read_request(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  const proto::Reth& reth = packet.reth;
  if (!packet.payload.empty() || reth.length > proto::kMessageBytesMax) {
    reject_invalid(core, qp);
    return;
  }
  // An empty READ needs no key (IBTA 9.7.4.1.5).
  if (reth.length > 0 && !core.memory.allows(reth.rkey, reth.address, reth.length,
                                             qp.options.protection_domain, RemoteUse::kRead)) {
    reject_access(core, qp);
    return;
  }
  const std::uint64_t psns = response_count(reth.length, qp.peer.path_mtu);
  ReadAtomicResource* resource = new_resource(responder, psns);
  if (resource == nullptr) {
    reject_invalid(core, qp);
    return;
  }
  resource->read = reth;
  accept(responder, packet, psns);
}

}  // namespace mapwire::nic_fw
