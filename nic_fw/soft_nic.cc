#include "mapwire/nic_fw/soft_nic.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/soft_nic_impl.h"
#include "mapwire/proto/packet.h"
#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/log.h"

namespace mapwire::nic_fw {
namespace {

// The parts draw different numbers from one seed.
constexpr std::uint64_t kConnectionManagerSeed = 0x636d'636d'636d'636d;
constexpr std::uint64_t kSharedMemorySeed = 0x7368'6d73'686d'7368;

// Of the completion queue before the first queue pair is opened: room for some.
constexpr std::uint32_t kFirstCompletionEntries = 1024;

RandomSource random_source(std::uint64_t seed, std::uint64_t user = 0) {
  if (seed == 0) return draw_system_random;
  return std::mt19937_64{seed ^ user};
}

bool is_power_of_two_in(std::uint32_t value, std::size_t min, std::size_t max) {
  return std::has_single_bit(value) && value >= min && value <= max;
}

std::expected<void, Error> check(const SoftNicOptions& options) {
  auto refuse = [](const char* option, std::uint32_t value, const char* range) {
    return std::unexpected(
        Error::make(Code::kInvalidArgument, ErrorScope::kDevice,
                    fmt::format("soft NIC option {} is {}; choose {}", option, value, range)));
  };
  if (options.queue_pairs_max == 0) return refuse("queue_pairs_max", 0, "at least 1");
  if (!is_power_of_two_in(options.completion_entries, 2, proto::kRingEntriesMax)) {
    return refuse("completion_entries", options.completion_entries, "a power of two 2..4194304");
  }
  if (!proto::is_path_mtu(options.path_mtu_max)) {
    return refuse("path_mtu_max", options.path_mtu_max, "a power of two 256..4096");
  }
  return {};
}

}  // namespace

SoftNic::SoftNic(const SoftNicOptions& options, std::unique_ptr<Wire> wire,
                 CompletionRing completions, CounterBlock* counters)
    : queues_{options.queue_pairs_max, options.completion_entries},
      completion_arena_{std::move(completions.arena)},
      completions_{completions.consumer},
      counters_{EngineCounters::in(counters)},
      engine_{{.queue_pairs_max = options.queue_pairs_max, .random = random_source(options.seed)},
              completions.producer,
              counters_},
      wire_{std::move(wire)},
      connection_manager_{*wire_,
                          {.read_atomic_max = EngineOptions{}.read_atomic_max,
                           .random = random_source(options.seed, kConnectionManagerSeed)},
                          CmCounters::in(counters)},
      attributes_{.name = std::string{kSoftNic},
                  .wire = std::string{wire_->name()},
                  .reads_any_memory = true,
                  .memory_regions_max = EngineOptions{}.memory_regions_max,
                  .queue_pairs_max = options.queue_pairs_max,
                  .queue_entries_max = queues_.queue_entries_max(),
                  .completion_entries = options.completion_entries,
                  .read_atomic_max = EngineOptions{}.read_atomic_max,
                  .path_mtu_max = options.path_mtu_max} {}

std::expected<void, Error> SoftNic::use_shared_memory(const SoftNicOptions& options,
                                                      CounterBlock* counters) {
  auto transport =
      shm::Transport::create({.read_atomic_max = attributes_.read_atomic_max,
                              .random = random_source(options.seed, kSharedMemorySeed)},
                             engine_.memory(), counters);
  if (!transport) return std::unexpected(std::move(transport.error()));
  if (wire_->event_fd() >= 0) {
    if (auto watched = (*transport)->watch(wire_->event_fd()); !watched) return watched;
  }
  shm_ = std::move(*transport);
  attributes_.shared_memory = true;
  return {};
}

void SoftNic::warn_of_unchecked_copies() const {
  if (engine_.memory().process().checks()) return;
  log(LogLevel::kWarn,
      "soft NIC: the system refuses process_vm_readv, so memory that is unmapped while a request "
      "uses it ends the process; allow the call in the seccomp filter");
}

std::expected<std::unique_ptr<Nic>, Error> make_soft_nic(const SoftNicOptions& options,
                                                         std::unique_ptr<Wire> wire,
                                                         CounterBlock* counters) {
  if (auto usable = check(options); !usable) return std::unexpected(std::move(usable.error()));
  auto completions =
      CompletionRing::create(std::min(options.completion_entries, kFirstCompletionEntries));
  if (!completions) return std::unexpected(std::move(completions.error()));
  auto nic = std::make_unique<SoftNic>(options, std::move(wire), std::move(*completions), counters);
  nic->warn_of_unchecked_copies();
  if (options.shared_memory) {
    if (auto usable = nic->use_shared_memory(options, counters); !usable) {
      return std::unexpected(std::move(usable.error()));
    }
  }
  return nic;
}

}  // namespace mapwire::nic_fw
