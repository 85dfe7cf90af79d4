// The application's half of a queue pair: the producer ends of its rings, and how many of the
// posted requests have not completed yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw {

// One work queue. A request occupies its entry from post to completion, as on a hardware NIC: the
// ring alone would take a new one as soon as the engine has fetched the old.
template <RingEntry Descriptor>
class WorkQueue {
 public:
  explicit WorkQueue(RingProducer<Descriptor> ring) : ring_{ring} {}

  // Takes an entry for a request that does not pass through the ring. False if all are outstanding.
  bool take_entry() {
    if (outstanding_ == ring_.capacity()) return false;
    ++outstanding_;
    return true;
  }
  // False if all entries are outstanding.
  bool post(const Descriptor& descriptor) {
    if (outstanding_ == ring_.capacity() || !ring_.try_push(descriptor)) return false;
    ++outstanding_;
    return true;
  }
  void on_completion() { --outstanding_; }
  std::uint32_t outstanding() const { return outstanding_; }
  std::uint32_t capacity() const { return ring_.capacity(); }

 private:
  RingProducer<Descriptor> ring_;
  std::uint32_t outstanding_ = 0;
};

namespace shm {
struct QueuePair;
}

struct WorkQueues {
  WorkQueue<proto::SendDescriptor> send;
  WorkQueue<proto::ReceiveDescriptor> receive;
  QueuePairOptions options{};
  // Who serves them once connected.
  bool on_udp = false;
  shm::QueuePair* on_shm = nullptr;  // whose requests do not pass through the rings

  void on_completion(proto::WorkOpcode opcode);
  std::uint32_t capacity() const { return send.capacity() + receive.capacity(); }
  std::uint32_t outstanding() const { return send.outstanding() + receive.outstanding(); }
};

// Bytes of both rings of a queue pair, one after the other.
std::size_t work_queue_bytes(const QueuePairOptions& options);

// Both ends of both rings.
struct WorkQueueEnds {
  WorkQueues application;
  QueuePairRings engine;
};

// Formats empty rings in `memory` and opens their ends. Precondition: `memory` is aligned to a
// cache line and work_queue_bytes(options) long; the entries are powers of two in range.
WorkQueueEnds make_work_queues(const QueuePairOptions& options, std::span<std::byte> memory);

}  // namespace mapwire::nic_fw
