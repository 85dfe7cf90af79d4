#include "tests/nic_fw/sim/workload.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mapwire::nic_fw::sim {
namespace {

using proto::WorkOpcode;

constexpr std::size_t kCounters = 4;
constexpr std::size_t kCounterBytes = 8;

// The responder's region: counters for atomics | read only | written over and over | written once.
class TargetPlan {
 public:
  TargetPlan(std::size_t message_bytes_max, std::size_t once_bytes)
      : read_bytes_{message_bytes_max},
        over_bytes_{message_bytes_max + 64},
        once_bytes_{once_bytes} {}

  std::size_t bytes() const { return once_start() + once_bytes_; }
  std::uint64_t counter(Random& random) const { return kCounterBytes * random.below(kCounters); }
  std::uint64_t read_only(Random& random, std::size_t bytes) const {
    return kReadStart + random.below(read_bytes_ - bytes + 1);
  }
  std::uint64_t written_over(Random& random, std::size_t bytes) const {
    return kReadStart + read_bytes_ + random.below(over_bytes_ - bytes + 1);
  }
  // Takes the next bytes that nobody wrote yet; false if there are not enough.
  bool take_once(std::size_t bytes, std::uint64_t& offset) {
    if (once_bytes_ - once_used_ < bytes) return false;
    offset = once_start() + once_used_;
    once_used_ += bytes;
    return true;
  }
  // Some bytes that were written once already.
  std::uint64_t once_written(Random& random, std::size_t bytes) const {
    return once_start() + random.below(once_used_ - bytes + 1);
  }
  std::size_t once_used() const { return once_used_; }

 private:
  static constexpr std::size_t kReadStart = kCounters * kCounterBytes;
  std::size_t once_start() const { return kReadStart + read_bytes_ + over_bytes_; }

  std::size_t read_bytes_;
  std::size_t over_bytes_;
  std::size_t once_bytes_;
  std::size_t once_used_ = 0;
};

// How often each kind of operation and of size occurs. Drawn per workload, so that some consist of
// one kind alone.
struct Mix {
  std::array<std::uint64_t, 7> weights{};  // by WorkOpcode - 1
  std::uint32_t message_bytes_max = 0;
};

Mix draw_mix(Random& random, std::uint32_t path_mtu) {
  Mix mix;
  for (auto& weight : mix.weights) weight = random.pick({0, 1, 1, 4});
  if (std::ranges::all_of(mix.weights, [](std::uint64_t weight) { return weight == 0; })) {
    mix.weights[random.below(mix.weights.size())] = 1;
  }
  mix.message_bytes_max = random.percent(5) ? 256 * 1024 : 5 * path_mtu + 1;
  return mix;
}

WorkOpcode draw_opcode(Random& random, const Mix& mix) {
  std::uint64_t sum = 0;
  for (const std::uint64_t weight : mix.weights) sum += weight;
  std::uint64_t at = random.below(sum);
  std::uint8_t index = 0;
  while (at >= mix.weights[index]) at -= mix.weights[index++];
  return static_cast<WorkOpcode>(index + 1);
}

std::uint32_t draw_bytes(Random& random, const Mix& mix, std::uint32_t path_mtu) {
  std::uint64_t bytes = 0;
  switch (random.below(5)) {
    case 0: bytes = random.below(2); break;
    case 1: bytes = random.between(2, 64); break;
    case 2: bytes = path_mtu * random.between(1, 4) + random.between(0, 2) - 1; break;
    case 3: bytes = random.between(1, 3 * path_mtu); break;
    default: bytes = random.below(mix.message_bytes_max + 1); break;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, mix.message_bytes_max));
}

// Draws one operation after the other and enters their effects into the expected memory.
class Drawer {
 public:
  Drawer(Random& random, const WorkloadOptions& options, CheckedMemory& requester,
         CheckedMemory& responder)
      : random_{random},
        options_{options},
        requester_{requester},
        responder_{responder},
        mix_{draw_mix(random, options.path_mtu)},
        plan_{mix_.message_bytes_max, options.bytes_max / 4},
        target_{responder.add(plan_.bytes(), random.next())} {}

  Workload draw() {
    Workload workload{.operations = {}, .target = target_, .spare_receives = {}};
    const std::size_t count = random_.between(1, options_.operations_max);
    std::size_t bytes = 0;
    while (workload.operations.size() < count && bytes < options_.bytes_max) {
      workload.operations.push_back(draw_operation());
      bytes += workload.operations.back().bytes;
    }
    for (std::uint64_t i = random_.below(3); i > 0; --i) {
      workload.spare_receives.push_back(responder_.add(random_.below(100), random_.next()));
    }
    return workload;
  }

 private:
  std::span<std::byte> target(const Operation& operation) {
    return responder_.expected(target_).subspan(operation.target_offset, operation.bytes);
  }

  Operation draw_operation() {
    Operation operation{.opcode = draw_opcode(random_, mix_)};
    operation.bytes =
        is_atomic(operation.opcode) ? kCounterBytes : draw_bytes(random_, mix_, options_.path_mtu);
    operation.local = requester_.add(operation.bytes, random_.next());
    if (has_immediate(operation.opcode)) {
      operation.immediate = static_cast<std::uint32_t>(random_.next());
    }
    switch (operation.opcode) {
      case WorkOpcode::kSend:
      case WorkOpcode::kSendImmediate: expect_send(operation); break;
      case WorkOpcode::kWrite:
      case WorkOpcode::kWriteImmediate: expect_write(operation); break;
      case WorkOpcode::kRead: expect_read(operation); break;
      case WorkOpcode::kCompareSwap:
      case WorkOpcode::kFetchAdd: expect_atomic(operation); break;
      case WorkOpcode::kReceive:
      case WorkOpcode::kReceiveWrite: break;  // never drawn
    }
    return operation;
  }

  void add_receive(Operation& operation, std::size_t bytes) {
    operation.receive = responder_.add(bytes + random_.pick({0, 0, 1, 100}), random_.next());
  }

  void expect_send(Operation& operation) {
    add_receive(operation, operation.bytes);
    std::ranges::copy(requester_.expected(operation.local),
                      responder_.expected(operation.receive).begin());
  }

  void expect_write(Operation& operation) {
    const bool once = operation.opcode == WorkOpcode::kWriteImmediate || random_.percent(30);
    if (!once || !plan_.take_once(operation.bytes, operation.target_offset)) {
      // A WRITE with immediate whose range is written again could not be checked when it arrives.
      operation.opcode = WorkOpcode::kWrite;
      operation.immediate = 0;
      operation.target_offset = plan_.written_over(random_, operation.bytes);
    }
    if (operation.opcode == WorkOpcode::kWriteImmediate) add_receive(operation, 0);
    std::ranges::copy(requester_.expected(operation.local), target(operation).begin());
  }

  void expect_read(Operation& operation) {
    operation.target_offset = random_.percent(50) && plan_.once_used() >= operation.bytes
                                  ? plan_.once_written(random_, operation.bytes)
                                  : plan_.read_only(random_, operation.bytes);
    std::ranges::copy(target(operation), requester_.expected(operation.local).begin());
  }

  void expect_atomic(Operation& operation) {
    operation.target_offset = plan_.counter(random_);
    std::uint64_t value = 0;
    std::memcpy(&value, target(operation).data(), sizeof(value));
    std::memcpy(requester_.expected(operation.local).data(), &value, sizeof(value));
    operation.swap_or_add = random_.next();
    operation.compare = random_.percent(70) ? value : random_.next();
    if (operation.opcode == WorkOpcode::kFetchAdd) {
      value += operation.swap_or_add;
    } else if (value == operation.compare) {
      value = operation.swap_or_add;
    }
    std::memcpy(target(operation).data(), &value, sizeof(value));
  }

  Random& random_;
  WorkloadOptions options_;
  CheckedMemory& requester_;
  CheckedMemory& responder_;
  Mix mix_;
  TargetPlan plan_;
  CheckedMemory::BlockId target_;
};

}  // namespace

bool has_immediate(WorkOpcode opcode) {
  return opcode == WorkOpcode::kSendImmediate || opcode == WorkOpcode::kWriteImmediate;
}

bool consumes_receive(WorkOpcode opcode) {
  return opcode == WorkOpcode::kSend || has_immediate(opcode);
}

bool is_atomic(WorkOpcode opcode) {
  return opcode == WorkOpcode::kCompareSwap || opcode == WorkOpcode::kFetchAdd;
}

Workload draw_workload(Random& random, const WorkloadOptions& options, CheckedMemory& requester,
                       CheckedMemory& responder) {
  return Drawer{random, options, requester, responder}.draw();
}

}  // namespace mapwire::nic_fw::sim
