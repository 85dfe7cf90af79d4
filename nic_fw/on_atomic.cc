#include <cstdint>

#include "mapwire/nic_fw/accept_request.h"
#include "mapwire/nic_fw/on_request.h"
#include "mapwire/nic_fw/read_atomic_resource.h"
#include "mapwire/runtime/execute_atomic.h"

namespace mapwire::nic_fw {
namespace {

std::uint64_t execute(proto::Opcode opcode, const proto::AtomicEth& atomic) {
  if (opcode == proto::Opcode::kFetchAdd) return fetch_add(atomic.address, atomic.swap_or_add);
  return compare_swap(atomic.address, atomic.compare, atomic.swap_or_add);
}

}  // namespace

void on_atomic(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  Responder& responder = qp.responder;
  const proto::AtomicEth& atomic = packet.atomic;
  if (!packet.payload.empty() || atomic.address % sizeof(std::uint64_t) != 0) {
    reject_invalid(core, qp);
    return;
  }
  if (!core.memory.allows(atomic.rkey, atomic.address, sizeof(std::uint64_t),
                          qp.options.protection_domain, RemoteUse::kAtomic)) {
    reject_access(core, qp);
    return;
  }
  ReadAtomicResource* resource = new_resource(responder, 1);
  if (resource == nullptr) {
    reject_invalid(core, qp);
    return;
  }
  resource->atomic = true;
  resource->original = execute(packet.opcode(), atomic);
  core.memory.note_atomic(atomic.rkey, atomic.address);
  accept(responder, packet, 1);
}

}  // namespace mapwire::nic_fw
