// A wire that harms what is sent through it, by a seed: loss, duplication, reordering, bit flips,
// and a total cut. Faults strike sent packets alone; wrap both ends to strike both directions.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "mapwire/nic_fw/fault_options.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/nic_fw/wire_wrapper.h"

namespace mapwire::nic_fw {

// Packets held back at once; a further one goes out unharmed. At a reorder rate of 5 % and at most
// kHeldBehindMax packets of patience, one is held on average, so 64 are never filled by a rate that
// still carries traffic.
inline constexpr std::size_t kHeldPacketsMax = 64;
// A held packet goes out behind 1 to 16 later ones, and behind held ones released meanwhile ...
inline constexpr std::uint32_t kHeldBehindMax = 16;
// ... or when it has waited this long, because nothing followed.
inline constexpr std::uint64_t kHeldNs = 1'000'000;

// What a fault wire did so far, in packets.
struct FaultTally {
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t flipped = 0;
  std::uint64_t cut = 0;
};

// Threads: as Wire, except set_cut.
class FaultWire final : public WireWrapper {
 public:
  FaultWire(std::unique_ptr<Wire> inner, const FaultOptions& options);

  // While cut, nothing passes in either direction, held packets included. Any thread.
  void set_cut(bool cut) { cut_.store(cut, std::memory_order_relaxed); }
  const FaultTally& tally() const { return tally_; }

  std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) override;
  std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) override;
  std::uint64_t next_deadline_ns() const override;

 private:
  struct Held {
    bool used = false;
    std::uint32_t behind = 0;  // packets that still go first
    std::uint64_t release_ns = 0;
    proto::Flow flow;
    std::vector<std::byte> bytes;  // capacity is kept, so that steady traffic allocates nothing
  };

  bool hit(double probability);
  bool pass(WirePacket packet, std::uint64_t now_ns);
  void flip_one_bit(WirePacket& packet);
  bool hold(const WirePacket& packet, std::uint64_t now_ns);
  void count_down_held(std::uint64_t now_ns);
  void release_due(std::uint64_t now_ns);
  void release(Held& held, std::uint64_t now_ns);

  FaultOptions options_;
  std::mt19937_64 random_;
  std::atomic<bool> cut_ = false;
  FaultTally tally_;
  std::array<Held, kHeldPacketsMax> held_;
  std::vector<std::byte> flipped_;
};

}  // namespace mapwire::nic_fw
