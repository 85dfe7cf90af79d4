// Queue pairs between soft NICs of one host, over shared memory: every operation of the NIC seam
// (runtime/nic.h) with its order, its statuses and its deadlines, but without what a lossless wire
// has no need of (packets, checksums, repetitions, congestion).
//
// Threads: those of the NIC. The data path neither allocates, locks nor makes system calls but to
// wake a peer that sleeps, and a thousand times a second to look for new ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "mapwire/nic_fw/engine_clock.h"
#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/shm/channels.h"
#include "mapwire/nic_fw/shm/core.h"
#include "mapwire/nic_fw/shm/meeting_place.h"
#include "mapwire/nic_fw/work_queues.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::nic_fw::shm {

struct TransportOptions {
  std::uint32_t read_atomic_max = 0;  // a power of two
  RandomSource random = nullptr;      // must be set
};

class Transport {
 public:
  // `memory` is the NIC's table of regions. What is passed by reference outlives it. Errors:
  // kSystemCall (no socket).
  static std::expected<std::unique_ptr<Transport>, Error> create(const TransportOptions& options,
                                                                 const MemoryTable& memory,
                                                                 CounterBlock* counters);

  // Where other NICs of this host meet this one.
  const SharedMemoryAddress& address() const { return channels_.address(); }

  // Room for the completions of all work queues together, a power of two: before connect().
  void reserve_completions(std::uint32_t entries) { core_.completions.reserve(entries); }
  // Connects a queue pair to the one that `peer` tells of. `queues` count its requests. Errors:
  // those of Channels::reach.
  std::expected<QueuePair*, Error> connect(Qpn qpn, const QueuePairOptions& options,
                                           const QueuePairPeer& peer, WorkQueues& queues,
                                           std::uint64_t now_ns);
  // As Nic::user_of, pass_descriptor and take_descriptor.
  static std::optional<uid_t> user_of(const QueuePair& qp) { return user_at(qp.channel->socket()); }
  static bool pass_descriptor(QueuePair& qp, int descriptor) {
    return qp.channel->pass(qp.peer_qpn, descriptor);
  }
  UniqueFd take_descriptor(const QueuePair& qp, std::uint64_t now_ns) {
    return channels_.take_passed(*qp.channel, qp.qpn, now_ns);
  }
  // As Nic::flush_queue_pair and close_queue_pair. What completed and waits is still delivered.
  void flush(QueuePair& qp, Code reason);
  void close(QueuePair& qp);

  // Takes a request over: its queue counts it already.
  void post_send(QueuePair& qp, const proto::SendDescriptor& descriptor);
  void post_receive(QueuePair& qp, const proto::ReceiveDescriptor& descriptor);

  // Whether a poll() would find nothing.
  bool quiet() { return quiet_ && !cells_wait(); }
  // Makes progress and moves completions out, those that wait first.
  std::size_t poll(std::span<proto::CompletionEntry> completions, Now now);
  // Attends to what is no cell: sockets, deadlines, peers that are gone. To be called from time to
  // time; does so at most once in a millisecond.
  void look_around(std::uint64_t now_ns) {
    if (now_ns >= look_again_ns_) look_around_now(now_ns);
  }
  // Completions wait whose queue pair may be closed. take_waiting() moves the oldest out, which
  // counts no more here; the caller tells its queue.
  bool completions_wait() const { return !core_.completions.empty(); }
  proto::CompletionEntry take_waiting() { return core_.completions.pop(); }

  bool has_async_events() const { return !core_.failed.empty(); }
  std::size_t poll_async(std::span<AsyncEvent> events);

  // As Nic::event_fd, for `fd` of watch() too.
  int event_fd() const { return channels_.event_fd(); }
  std::expected<void, Error> watch(int fd) { return channels_.watch(fd); }
  // As Nic::next_deadline_ns: peers wake us from now on until a poll() finds what they sent.
  std::uint64_t next_deadline_ns(std::uint64_t now_ns);

  // Ends connections to processes that no queue pair needs, unless a queue pair that is opened may
  // come to need one.
  void collect(bool idle_too) { channels_.collect(idle_too); }
  std::size_t queue_pairs() const { return core_.queue_pairs.size(); }

 private:
  Transport(const TransportOptions& options, const MemoryTable& memory, CounterBlock* counters,
            Channels channels);

  void take_cells(Channel& channel);
  void take_cell(Channel& channel, RingReader& reader);
  [[gnu::cold, gnu::noinline]] void transmit_ready();
  [[gnu::cold, gnu::noinline]] void look_around_now(std::uint64_t now_ns);
  [[gnu::cold, gnu::noinline]] void look_for_wake_ups(Now now);
  bool cells_wait() {
    return std::ranges::any_of(channels_.all(), [](Channel& channel) {
      return channel.reader() != nullptr && !channel.reader()->empty();
    });
  }
  std::uint64_t look_into_full_rings_ns(std::uint64_t now_ns);
  void ring_doorbells();

  TransportOptions options_;
  Channels channels_;
  Core core_;
  EngineClock clock_;
  std::uint64_t deadline_ns_ = UINT64_MAX;  // of clock_
  std::uint64_t look_again_ns_ = 0;
  std::uint32_t full_ring_looks_ = 0;  // of a sleeper, since something found room
  bool sleeping_ = false;              // the peers are told to wake us
  bool acknowledges_ = false;          // the next poll tells what was carried out before it
  // The last poll left nothing to be done by the next, and nobody has asked for anything since.
  bool quiet_ = false;
};

}  // namespace mapwire::nic_fw::shm
