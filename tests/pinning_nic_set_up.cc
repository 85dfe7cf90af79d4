// What a NIC with pins does before and after messages.
#include <algorithm>

#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "tests/pinning_nic.h"

namespace mapwire::testing {

PinningNic::PinningNic(std::unique_ptr<Nic> inner, std::unique_ptr<Pins> pins, Staging staging)
    : pins_{std::move(pins)},
      staging_{std::move(staging)},
      attributes_{inner->attributes()},
      inner_{std::move(inner)} {
  attributes_.reads_any_memory = false;
  attributes_.memory_regions_max = std::min(attributes_.memory_regions_max, pins_->slots());
}

// A region that no refused element is in: unlike a free lkey, its lkey is never given to others.
std::expected<void, Error> PinningNic::set_up_refusal() {
  auto keys = inner_->register_memory(guard_, {.local_write = false}, 0);
  if (!keys) return std::unexpected(std::move(keys.error()));
  guard_lkey_ = keys->lkey;
  return {};
}

std::expected<QueuePairAddress, Error> PinningNic::open_queue_pair(const QueuePairOptions& options,
                                                                   const proto::IpAddress& local,
                                                                   const proto::IpAddress& remote) {
  auto address = inner_->open_queue_pair(options, local, remote);
  if (address) {
    queue_pairs_[address->qpn] = {.protection_domain = options.protection_domain,
                                  .send = {.entries = options.send_entries},
                                  .receive = {.entries = options.receive_entries}};
  }
  return address;
}

std::expected<MemoryKeys, Error> PinningNic::register_memory(std::span<std::byte> memory,
                                                             Access access,
                                                             std::uint32_t protection_domain) {
  auto keys = inner_->register_memory(memory, access, protection_domain);
  if (!keys) return keys;
  const auto slot = pins_->pin(memory);
  if (!slot) {
    inner_->deregister_memory(keys->lkey);
    return std::unexpected(slot.error());
  }
  regions_[keys->lkey] = std::make_shared<const Region>(
      Region{.slot = *slot,
             .address = reinterpret_cast<std::uint64_t>(memory.data()),
             .bytes = memory.size(),
             .local_write = access.local_write,
             .protection_domain = protection_domain});
  return keys;
}

void PinningNic::deregister_memory(std::uint32_t lkey) {
  const auto found = regions_.find(lkey);
  if (found == regions_.end()) return;
  inner_->deregister_memory(lkey);
  pins_->unpin(found->second->slot);
  regions_.erase(found);
}

// Bytes come in the inner NIC's poll() alone, so those of completions that are still to be given on
// are in place, as they must: afterwards the buffers are free for reuse.
void PinningNic::close_queue_pair(Qpn qpn) {
  const auto found = queue_pairs_.find(qpn);
  if (found == queue_pairs_.end()) return;
  QueuePair& qp = found->second;
  inner_->close_queue_pair(qpn);
  for (const Queue* queue : {&qp.send, &qp.receive}) {
    for (const Request& request : queue->requests) staging_.give_back(request.piece);
  }
  queue_pairs_.erase(found);
  std::erase_if(events_, [&](const AsyncEvent& event) { return event.qpn == qpn; });
}

std::expected<std::unique_ptr<Nic>, Error> make_pinning_nic(std::unique_ptr<Nic> inner,
                                                            const PinningNicOptions& options) {
  auto pins = Pins::create(options.regions_max);
  if (!pins) return std::unexpected(std::move(pins.error()));
  auto staging = Arena::create("mapwire-test-staging", options.staging_bytes);
  if (!staging) return std::unexpected(std::move(staging.error()));
  auto nic = std::make_unique<PinningNic>(std::move(inner), std::move(*pins),
                                          Staging{std::move(*staging)});
  if (auto ready = nic->set_up_refusal(); !ready) {
    return std::unexpected(std::move(ready.error()));
  }
  return nic;
}

std::expected<std::unique_ptr<Nic>, Error> make_pinning_soft_nic(const PinningNicOptions& options) {
  auto wire = nic_fw::make_udp_wire({}, nullptr);
  if (!wire) return std::unexpected(std::move(wire.error()));
  auto soft = nic_fw::make_soft_nic({}, std::move(*wire), nullptr);
  if (!soft) return soft;
  return make_pinning_nic(std::move(*soft), options);
}

}  // namespace mapwire::testing
