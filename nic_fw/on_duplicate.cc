#include <algorithm>
#include <cstdint>

#include "mapwire/nic_fw/on_request.h"
#include "mapwire/nic_fw/read_atomic_resource.h"

namespace mapwire::nic_fw {
namespace {

// A READ may be repeated from any of its PSNs on (IBTA 9.7.5.1.9), but names what it named before.
bool repeats(const ReadAtomicResource& resource, const proto::Reth& reth, Psn psn,
             std::uint32_t path_mtu) {
  if (resource.atomic || reth.rkey != resource.read.rkey) return false;
  const std::uint64_t offset = (psn - resource.first_psn) * path_mtu;
  return reth.address == resource.read.address + offset &&
         offset + reth.length == resource.read.length;
}

}  // namespace

// IBTA 9.7.4.1.3: a duplicate SEND or WRITE is acknowledged and not executed, a READ is executed
// again, an atomic is answered from memory.
void on_duplicate(EngineCore&, QueuePair& qp, const proto::Packet& packet, Psn psn) {
  Responder& responder = qp.responder;
  const bool read = packet.traits.kind == proto::PacketKind::kReadRequest;
  const bool atomic = packet.traits.kind == proto::PacketKind::kAtomic;
  if (!read && !atomic) {
    responder.ack_due = true;
    return;
  }
  ReadAtomicResource* resource = find_resource(responder, psn);
  if (resource == nullptr) return;
  const bool valid =
      read ? repeats(*resource, packet.reth, psn, qp.peer.path_mtu) : resource->atomic;
  if (valid) respond_from(responder, *resource, psn);
}

}  // namespace mapwire::nic_fw
