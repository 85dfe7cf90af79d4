// A host of the simulation: an engine, the queues of its application and a wire, moved by virtual
// time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/address.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/proto/packet.h"
#include "tests/nic_fw/sim/owned_ring.h"

namespace mapwire::nic_fw::sim {

inline constexpr std::uint32_t kProtectionDomain = 1;  // of QueuePairOptions

// What happened in an engine, so that a run can show which recoveries it visited.
struct EventCounts {
  std::atomic<std::uint64_t> packets_sent = 0;
  std::atomic<std::uint64_t> dropped_icrc = 0;
  std::atomic<std::uint64_t> duplicates = 0;
  std::atomic<std::uint64_t> out_of_sequence = 0;
  std::atomic<std::uint64_t> retransmitted = 0;
  std::atomic<std::uint64_t> timeouts = 0;
  std::atomic<std::uint64_t> naks_sent = 0;
  std::atomic<std::uint64_t> rnr_naks_sent = 0;
  std::atomic<std::uint64_t> flight_reductions = 0;
};

struct HostOptions {
  EngineOptions engine;
  proto::UdpAddress address;
  std::uint32_t completion_entries = 1024;
};

// The application's side of a queue pair.
struct HostQueuePair {
  OwnedRing<proto::SendDescriptor> send_ring;
  OwnedRing<proto::ReceiveDescriptor> receive_ring;
  RingProducer<proto::SendDescriptor> send;
  RingProducer<proto::ReceiveDescriptor> receive;
  QueuePairAddress address;

  explicit HostQueuePair(const QueuePairOptions& options)
      : send_ring{options.send_entries},
        receive_ring{options.receive_entries},
        send{send_ring.producer()},
        receive{receive_ring.producer()} {}
};

// How much one poll does.
struct PollBudget {
  std::size_t receive_packets = 32;   // at most kBatchMax
  std::size_t transmit_packets = 32;  // at most kBatchMax
  bool acknowledge = true;            // plain acknowledgements may leave in this poll
};

class Host {
 public:
  static constexpr std::size_t kBatchMax = 32;

  Host(const HostOptions& options, std::unique_ptr<Wire> wire);

  Engine& engine() { return engine_; }
  const EventCounts& counts() const { return counts_; }
  // Opens a queue pair and gives its index.
  std::size_t open(const QueuePairOptions& options);
  HostQueuePair& queue_pair(std::size_t index) { return queue_pairs_[index]; }

  // Receives packets and runs timers.
  void receive(const PollBudget& budget, std::uint64_t now_ns);
  // Sends what is ready.
  void transmit(const PollBudget& budget, std::uint64_t now_ns);
  // The oldest completion that was not taken yet.
  std::optional<proto::CompletionEntry> take_completion() { return completions_.try_pop(); }
  // When receive() or transmit() has something to do next: `now_ns` or later, UINT64_MAX: never.
  std::uint64_t next_work_ns(std::uint64_t now_ns) const;

 private:
  EngineCounters counters();

  EventCounts counts_;
  EngineCounters counters_;
  OwnedRing<proto::CompletionEntry> completion_ring_;
  RingConsumer<proto::CompletionEntry> completions_;
  Engine engine_;
  std::unique_ptr<Wire> wire_;
  proto::UdpAddress address_;
  std::deque<HostQueuePair> queue_pairs_;
  std::array<std::array<std::byte, proto::kPacketBytesMax>, kBatchMax> buffers_{};
};

// Connects queue pair `a_index` of `a` with `b_index` of `b` in both directions. False: refused.
bool connect(Host& a, std::size_t a_index, Host& b, std::size_t b_index, std::uint32_t path_mtu,
             std::uint64_t now_ns);

}  // namespace mapwire::nic_fw::sim
