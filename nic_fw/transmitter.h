// Moves packets from the engine to the wire, in order, and keeps those the wire had no room for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/wire.h"

namespace mapwire::nic_fw {

// One thread at a time. Allocates at creation only.
class Transmitter {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  Transmitter(Engine& engine, Wire& wire);
  Transmitter(const Transmitter&) = delete;  // the slots point into the buffers
  Transmitter& operator=(const Transmitter&) = delete;

  // Sends what the wire did not take before, then what the engine has (plain acknowledgements last
  // and only if `acknowledge`), until nothing is left, the wire is full or the work of one call is
  // done.
  void transmit(bool acknowledge, std::uint64_t now_ns);

  // When to call transmit() again because the wire was full; kNever if nothing waits.
  std::uint64_t retry_at_ns() const { return retry_at_ns_; }

 private:
  // Packets per call of the wire. What waits for the wire is never more than one such batch.
  static constexpr std::size_t kBatchPackets = 64;

  void fill(bool acknowledge, std::uint64_t now_ns);
  bool send(std::uint64_t now_ns);

  Engine& engine_;
  Wire& wire_;
  std::vector<std::byte> buffers_;
  std::array<TransmitSlot, kBatchPackets> slots_;
  std::array<WirePacket, kBatchPackets> packets_;
  std::span<const WirePacket> waiting_;  // of packets_: not taken by the wire yet
  std::uint64_t retry_at_ns_ = kNever;
};

}  // namespace mapwire::nic_fw
