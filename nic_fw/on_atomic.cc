#include <atomic>
#include <cstdint>

#include "mapwire/nic_fw/accept_request.h"
#include "mapwire/nic_fw/on_request.h"
#include "mapwire/nic_fw/read_atomic_resource.h"

namespace mapwire::nic_fw {
namespace {

// Executes on memory that the application's threads may use atomically at the same time. Returns
// the number that was there.
std::uint64_t execute(proto::Opcode opcode, const proto::AtomicEth& atomic) {
  std::atomic_ref<std::uint64_t> word{*reinterpret_cast<std::uint64_t*>(atomic.address)};
  if (opcode == proto::Opcode::kFetchAdd) return word.fetch_add(atomic.swap_or_add);
  std::uint64_t original = atomic.compare;
  word.compare_exchange_strong(original, atomic.swap_or_add);
  return original;
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
  accept(responder, packet, 1);
}

}  // namespace mapwire::nic_fw
