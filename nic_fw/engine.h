// The firmware of the soft NIC: an RC transport engine (IBTA 1.4, chapter 9) without I/O, clock or
// randomness of its own. Packets, descriptors and now_ns go in; packets and completions come out.
// The numbers of `random` and the sequence of calls replay a run exactly.
//
// Threads: owned by one thread at a time. After open/connect nothing allocates, locks, logs or
// throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>

#include "mapwire/nic_fw/engine_counters.h"
#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/proto/address.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw {

struct EngineOptions {
  std::uint32_t queue_pairs_max = 4096;
  std::uint32_t memory_regions_max = 65536;
  std::uint32_t read_atomic_max = 32;  // READs and atomics in flight per queue pair and direction
  RandomSource random = nullptr;       // of QPNs, first PSNs and keys; must be set
};

// The consumer ends of a queue pair's rings. Whoever holds the producer ends is not trusted.
struct QueuePairRings {
  RingConsumer<proto::SendDescriptor> send;
  RingConsumer<proto::ReceiveDescriptor> receive;
};

// A buffer for one outgoing packet. The engine fills `flow` and the first `used` of `bytes`.
struct TransmitSlot {
  proto::Flow flow;
  std::span<std::byte> bytes;  // kPacketBytesMax or longer
  std::size_t used = 0;
};

class Engine {
 public:
  // `completions` is where all queue pairs report; its capacity bounds the sum of their queue
  // entries, until complete_into() gives another. `counters` outlives the engine.
  Engine(const EngineOptions& options, RingProducer<proto::CompletionEntry> completions,
         EngineCounters& counters);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // From now on completions go to `larger`, an empty ring or one with those that wait in the old.
  void complete_into(RingProducer<proto::CompletionEntry> larger);

  // Creates a queue pair that receives at `local`. Semantics and errors: Nic::open_queue_pair; of
  // the result, `udp` is `local` and `path_mtu_max` is 0 (the wire knows it).
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions& options,
                                                         const proto::UdpAddress& local,
                                                         QueuePairRings rings);
  std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns);
  // Gives an open queue pair's rings up: another transport serves it, and its number alone stays
  // here until it is closed. Nothing if it is not open.
  std::optional<QueuePairRings> give_up_rings(Qpn qpn);

  void flush_queue_pair(Qpn qpn, Code reason);
  void close_queue_pair(Qpn qpn);
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t protection_domain);
  void deregister_memory(std::uint32_t lkey);
  bool watch_memory(std::uint32_t lkey, TripTable& wires);
  // The table of all regions, for another transport of the same NIC.
  const MemoryTable& memory() const;

  // The application pushed to the send ring (or the receive ring) of `qpn`.
  void on_send_doorbell(Qpn qpn, std::uint64_t now_ns);
  void on_receive_doorbell(Qpn qpn, std::uint64_t now_ns);

  // A packet arrived: any bytes from anyone. Checked for ICRC, queue pair and source; then acted
  // upon. `bytes` is not kept.
  void on_packet(const proto::Flow& flow, std::span<const std::byte> bytes, std::uint64_t now_ns);

  // Runs the timers that are due. Time in which no call came though one was due (for more than
  // 250 ms) does not count: see engine_clock.h.
  void on_time(std::uint64_t now_ns);

  // Fills slots with packets that are ready to go, and returns how many. Requests and responses
  // take turns by queue pair (round robin, a quantum of bytes each); plain acknowledgements come
  // last and only if `acknowledge`: the caller may hold them back for one poll so that a reply
  // overtakes them.
  std::size_t transmit(std::span<TransmitSlot> slots, bool acknowledge, std::uint64_t now_ns);

  // Whether transmit(..., acknowledge) would fill a slot now.
  bool has_output(bool acknowledge) const;

  // Next call of on_time, which may turn out to have nothing to do: UINT64_MAX if no timer runs.
  std::uint64_t next_deadline_ns() const;

  // Queue pairs that went to error by themselves, not by flush_queue_pair: see Nic::poll_async.
  std::size_t poll_async(std::span<AsyncEvent> events);
  bool has_async_events() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mapwire::nic_fw
