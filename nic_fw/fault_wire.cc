#include "mapwire/nic_fw/fault_wire.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace mapwire::nic_fw {

FaultWire::FaultWire(std::unique_ptr<Wire> inner, const FaultOptions& options)
    : WireWrapper{std::move(inner)}, options_{options}, random_{options.seed} {}

// Not std::bernoulli_distribution: its use of the generator differs between libraries, and a seed
// must mean the same everywhere.
bool FaultWire::hit(double probability) {
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53: 53 bits fill a double's fraction
  return static_cast<double>(random_() >> 11) * kUnit < probability;
}

std::size_t FaultWire::send(std::span<const WirePacket> packets, std::uint64_t now_ns) {
  release_due(now_ns);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (!pass(packets[i], now_ns)) return i;
  }
  return packets.size();
}

// Sends one packet with whatever befalls it; false if the wrapped wire has no room.
bool FaultWire::pass(WirePacket packet, std::uint64_t now_ns) {
  if (cut_.load(std::memory_order_relaxed)) {
    ++tally_.cut;
    return true;
  }
  if (hit(options_.loss)) {
    ++tally_.lost;
    return true;
  }
  if (hit(options_.reorder) && hold(packet, now_ns)) return true;
  const bool flips = hit(options_.flip) && !packet.bytes.empty();
  if (flips) flip_one_bit(packet);
  if (inner().send({&packet, 1}, now_ns) == 0) return false;
  if (flips) ++tally_.flipped;
  if (hit(options_.duplicate)) tally_.duplicated += inner().send({&packet, 1}, now_ns);
  count_down_held(now_ns);
  return true;
}

void FaultWire::flip_one_bit(WirePacket& packet) {
  flipped_.assign(packet.bytes.begin(), packet.bytes.end());
  const std::uint64_t bit = random_() % (flipped_.size() * 8);
  flipped_[bit / 8] ^= std::byte{1} << (bit % 8);
  packet.bytes = flipped_;
}

// Keeps a copy of the packet for later; false if no place is free.
bool FaultWire::hold(const WirePacket& packet, std::uint64_t now_ns) {
  const auto place = std::ranges::find(held_, false, &Held::used);
  if (place == held_.end()) return false;
  place->used = true;
  place->behind = 1 + static_cast<std::uint32_t>(random_() % kHeldBehindMax);
  place->release_ns = now_ns + kHeldNs;
  place->flow = packet.flow;
  place->bytes.assign(packet.bytes.begin(), packet.bytes.end());
  ++tally_.reordered;
  return true;
}

void FaultWire::count_down_held(std::uint64_t now_ns) {
  for (Held& held : held_) {
    if (!held.used) continue;
    if (held.behind > 0) --held.behind;
    if (held.behind == 0) release(held, now_ns);
  }
}

void FaultWire::release_due(std::uint64_t now_ns) {
  for (Held& held : held_) {
    if (held.used && held.release_ns <= now_ns) release(held, now_ns);
  }
}

// If the wrapped wire has no room, the packet stays held and is tried again.
void FaultWire::release(Held& held, std::uint64_t now_ns) {
  if (cut_.load(std::memory_order_relaxed)) {
    ++tally_.cut;
    held.used = false;
    return;
  }
  const WirePacket packet{.flow = held.flow, .bytes = held.bytes};
  held.used = inner().send({&packet, 1}, now_ns) == 0;
}

std::size_t FaultWire::receive(std::span<WirePacket> packets, std::uint64_t now_ns) {
  release_due(now_ns);
  const std::size_t received = inner().receive(packets, now_ns);
  if (!cut_.load(std::memory_order_relaxed)) return received;
  tally_.cut += received;
  return 0;
}

std::uint64_t FaultWire::next_deadline_ns() const {
  std::uint64_t deadline_ns = inner().next_deadline_ns();
  for (const Held& held : held_) {
    if (held.used) deadline_ns = std::min(deadline_ns, held.release_ns);
  }
  return deadline_ns;
}

}  // namespace mapwire::nic_fw
