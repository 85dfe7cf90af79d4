// What the parts of the engine share. Every function of the data path gets it and a queue pair.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/completion_queue.h"
#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/engine_clock.h"
#include "mapwire/nic_fw/engine_counters.h"
#include "mapwire/nic_fw/memory_table.h"
#include "mapwire/nic_fw/queue_pair_table.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/slot_list.h"
#include "mapwire/nic_fw/timer_queue.h"

namespace mapwire::nic_fw {

struct EngineCore {
  EngineCore(const EngineOptions& engine_options,
             RingProducer<proto::CompletionEntry> completion_ring, EngineCounters& engine_counters)
      : options{engine_options},
        counters{engine_counters},
        completions{completion_ring},
        memory{options.memory_regions_max},
        queue_pairs{options.queue_pairs_max},
        timers{options.queue_pairs_max},
        ready{options.queue_pairs_max},
        acknowledging{options.queue_pairs_max},
        failed{options.queue_pairs_max},
        random{options.random} {}

  const EngineOptions options;
  EngineCounters& counters;
  CompletionQueue completions;
  MemoryTable memory;
  QueuePairTable queue_pairs;
  TimerQueue timers;
  SlotList ready;          // with a request, response or NAK to send
  SlotList acknowledging;  // with a plain acknowledgement to send
  SlotList failed;         // in error, not yet reported by poll_async
  RandomSource random;
  std::uint32_t entries_reserved = 0;  // queue entries of all open queue pairs
  EngineClock clock;
  std::uint64_t now_ns = 0;  // of `clock`

  // Takes over the time that the caller tells.
  void set_time(std::uint64_t caller_ns) {
    clock.advance(caller_ns, timers.first_deadline_ns());
    now_ns = clock.now_ns();
  }
};

}  // namespace mapwire::nic_fw
