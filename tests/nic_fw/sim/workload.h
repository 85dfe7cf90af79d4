// What the streams of a simulation ask for, drawn from the seed, and what must come of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mapwire/proto/descriptor.h"
#include "tests/nic_fw/sim/checked_memory.h"
#include "tests/nic_fw/sim/random.h"

namespace mapwire::nic_fw::sim {

// One request. Blocks are of the requester's memory, `receive` and the target of the responder's.
struct Operation {
  proto::WorkOpcode opcode = proto::WorkOpcode::kSend;
  std::uint32_t bytes = 0;
  std::uint32_t immediate = 0;
  std::uint64_t target_offset = 0;
  std::uint64_t compare = 0;
  std::uint64_t swap_or_add = 0;
  CheckedMemory::BlockId local = 0;    // where the bytes come from or, READ and atomics, go to
  CheckedMemory::BlockId receive = 0;  // the buffer that a SEND or WRITE with immediate consumes
};

bool has_immediate(proto::WorkOpcode opcode);
bool consumes_receive(proto::WorkOpcode opcode);
bool is_atomic(proto::WorkOpcode opcode);

// One direction of a connection.
struct Workload {
  std::vector<Operation> operations;
  CheckedMemory::BlockId target = 0;                   // the responder's region
  std::vector<CheckedMemory::BlockId> spare_receives;  // posted after the others, never consumed
};

struct WorkloadOptions {
  std::uint32_t path_mtu = 1024;
  std::size_t operations_max = 40;
  std::size_t bytes_max = 300'000;  // of all messages together, roughly
};

// Draws a workload and enters into both memories what they must hold when it is done. WRITEs
// overlap each other, so that a repeated one shows; READs read what was written by an earlier WRITE
// or by nobody, because IBTA 9.4.5 lets a repeated READ see what came after it.
Workload draw_workload(Random& random, const WorkloadOptions& options, CheckedMemory& requester,
                       CheckedMemory& responder);

}  // namespace mapwire::nic_fw::sim
