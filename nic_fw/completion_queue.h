// The engine's end of the completion queue. Room is reserved when a request is taken from its ring,
// so that its completion can always be pushed: an application that does not reap its completions
// stops its own requests from being taken and nothing else.
#pragma once

#include <cstdint>

#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw {

class CompletionQueue {
 public:
  explicit CompletionQueue(RingProducer<proto::CompletionEntry> ring) : ring_{ring} {}

  std::uint32_t capacity() const { return ring_.capacity(); }
  // Another ring; room that is reserved is reserved there. Precondition: it has that room.
  void use(RingProducer<proto::CompletionEntry> ring) { ring_ = ring; }
  // True once the reader of the queue wrote impossible indices into it.
  bool corrupt() const { return ring_.corrupt(); }

  // Reserves room for one completion; false if there is none now.
  bool try_reserve() {
    if (ring_.free_entries() <= reserved_) return false;
    ++reserved_;
    return true;
  }
  // Gives reserved room back: `count` requests will never complete.
  void release(std::uint32_t count) { reserved_ -= count; }

  // Uses up one reservation. If the ring became corrupt since then the entry is lost: its reader
  // broke it.
  void push(const proto::CompletionEntry& entry) {
    --reserved_;
    ring_.try_push(entry);
  }

 private:
  RingProducer<proto::CompletionEntry> ring_;
  std::uint32_t reserved_ = 0;
};

}  // namespace mapwire::nic_fw
