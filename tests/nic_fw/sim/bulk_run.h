// Bulk transfers over a long path in virtual time: how fast, and how fairly, flight control lets
// them go. Virtual time makes the figures the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mapwire/proto/descriptor.h"

namespace mapwire::nic_fw::sim {

struct BulkRequest {
  proto::WorkOpcode opcode = proto::WorkOpcode::kWrite;  // or kRead
  std::uint32_t bytes = 256 * 1024;
};

struct BulkOptions {
  // One flow per entry, each between two hosts of its own; all cross one bottleneck. The number is
  // when the flow starts.
  std::vector<std::uint64_t> start_ns = {0};
  // What each flow asks for, over and over. READs make the way back the bottleneck.
  std::vector<BulkRequest> requests = {{}};
  std::uint32_t path_mtu = 4096;
  std::uint64_t bits_per_second = 1'000'000'000;
  std::uint64_t round_trip_ns = 10'000'000;
  std::size_t queue_bytes_max = 1'250'000;  // of the bottleneck: by default what a round trip holds
  double loss_there = 0;                    // of what the requesters send
  double loss_back = 0;                     // of what comes back
  std::uint64_t seed = 1;
  // Throughput is measured between these times.
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = 2'000'000'000;
};

struct BulkReport {
  std::vector<double> megabits_per_second;  // payload each flow moved; all 0 if a request failed
  std::uint64_t timeouts = 0;               // of all engines, from the start
};

BulkReport run_bulk(const BulkOptions& options);

}  // namespace mapwire::nic_fw::sim
