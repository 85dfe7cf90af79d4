#include "tests/nic_fw/sim/seed_run.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mapwire/nic_fw/fault_wire.h"
#include "mapwire/nic_fw/sim_network.h"
#include "mapwire/nic_fw/sim_wire.h"
#include "mapwire/nic_fw/trace_wire.h"
#include "mapwire/proto/address.h"
#include "tests/nic_fw/sim/checked_memory.h"
#include "tests/nic_fw/sim/host.h"
#include "tests/nic_fw/sim/random.h"
#include "tests/nic_fw/sim/simulation.h"
#include "tests/nic_fw/sim/stream.h"
#include "tests/nic_fw/sim/verdict.h"
#include "tests/nic_fw/sim/workload.h"

namespace mapwire::nic_fw::sim {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
// Generous: a run that needs longer than this does not recover, it limps.
constexpr std::uint64_t kRunNsMax = 120'000 * kMillisecondNs;
// After the last completion the hosts go on for this long, so that a late surplus one shows.
constexpr std::uint64_t kAfterNs = 50 * kMillisecondNs;

// Seeds of engines whose first queue pair starts within the last 64 PSNs, so that it passes the
// wrap. Found by trying all from 0; Seeds.pass_and_visit_every_recovery fails if they no longer do.
constexpr std::array<std::uint64_t, 16> kSeedsBeforeWrap{
    130839,  142384,  148135,  1361206, 1785583, 1843000, 2019793, 2156101,
    2830985, 2901697, 3211095, 3232851, 3375344, 3705439, 4099271, 4167138};
constexpr std::uint32_t kNearWrapPsns = 64;

class SeedRun {
 public:
  SeedRun(std::uint64_t seed, const SeedRunOptions& options)
      : options_{options}, random_{seed}, simulation_{random_, verdict_} {}

  SeedRunReport run() {
    const std::size_t hosts = random_.percent(80) ? 2 : 3;
    family_ = random_.percent(50) ? proto::IpFamily::kV4 : proto::IpFamily::kV6;
    report_.setting = fmt::format("{} hosts, IPv{}", hosts, static_cast<int>(family_));
    for (std::size_t i = 0; i < hosts; ++i) add_host(i);
    const std::uint64_t connections = random_.between(1, 3);
    for (std::uint64_t i = 0; i < connections; ++i) add_connection(hosts, connections);

    simulation_.run(kRunNsMax, [this] { return done(); });
    if (!verdict_.failed() && !done()) verdict_.fail("no end: " + progress());
    simulation_.run(simulation_.now_ns() + kAfterNs, [] { return false; });
    check_memory();
    return report();
  }

 private:
  struct SimulatedHost {
    Host host;
    CheckedMemory memory{};
    SimulatedHost(const HostOptions& options, std::unique_ptr<Wire> wire)
        : host{options, std::move(wire)} {}
  };

  FaultOptions draw_faults() {
    return {.loss = random_.fraction(options_.loss, 2 * options_.loss),
            .duplicate = random_.fraction(options_.duplicate, 2 * options_.duplicate),
            .reorder = random_.fraction(options_.reorder, 2 * options_.reorder),
            .flip = random_.fraction(options_.flip, 2 * options_.flip),
            .seed = random_.next()};
  }

  SimLinkOptions draw_link() {
    return {.bits_per_second = random_.pick({0, 100'000'000, 1'000'000'000, 10'000'000'000}),
            .delay_ns = random_.pick({1'000, 20'000, 500'000, 5'000'000}),
            .queue_bytes_max = random_.pick({50'000, 300'000, 2'000'000})};
  }

  std::uint64_t draw_engine_seed() {
    const std::uint64_t index = random_.below(4 * kSeedsBeforeWrap.size());
    return index < kSeedsBeforeWrap.size() ? kSeedsBeforeWrap[index] : random_.next();
  }

  proto::UdpAddress address(std::size_t index) const {
    proto::UdpAddress address{.ip = {.family = family_}, .port = proto::kRocePort};
    address.ip.bytes = {10, 0, 0, static_cast<std::uint8_t>(index + 1)};
    return address;
  }

  std::unique_ptr<Wire> make_wire(std::size_t index) {
    auto faults = std::make_unique<FaultWire>(
        make_sim_wire(network_, network_.add_link(draw_link())), draw_faults());
    fault_wires_.push_back(faults.get());
    std::unique_ptr<Wire> wire = std::move(faults);
    if (!options_.trace) return wire;
    return make_trace_wire(std::move(wire), [index, trace = options_.trace](std::string_view line) {
      trace(fmt::format("host {} {}", index, line));
    });
  }

  void add_host(std::size_t index) {
    HostOptions options{.engine = {.queue_pairs_max = 16,
                                   .memory_regions_max = 128,
                                   .read_atomic_max = random_.pick_u32({1, 2, 4, 16}),
                                   .random = std::mt19937_64{draw_engine_seed()}},
                        .address = address(index)};
    SimulatedHost& simulated = hosts_.emplace_back(options, make_wire(index));
    simulation_.add(simulated.host, {.delay_ns_max = random_.pick({0, 1'000, 20'000, 500'000}),
                                     .varies = random_.percent(70)});
  }

  std::uint32_t draw_entries() { return random_.pick_u32({2, 8, 32, 64}); }

  void add_connection(std::size_t hosts, std::uint64_t connections) {
    const std::size_t a = random_.below(hosts);
    const std::size_t b = (a + random_.between(1, hosts - 1)) % hosts;
    const auto path_mtu = random_.pick_u32({256, 512, 1024, 2048, 4096});
    const std::size_t a_pair = open_queue_pair(a);
    const std::size_t b_pair = open_queue_pair(b);
    if (!connect(hosts_[a].host, a_pair, hosts_[b].host, b_pair, path_mtu, 0)) {
      verdict_.fail("the engine refuses to connect");
      return;
    }
    report_.setting += fmt::format(", {}-{} MTU {}", a, b, path_mtu);
    note_wrap(hosts_[a].host, a_pair);
    note_wrap(hosts_[b].host, b_pair);
    const WorkloadOptions workload{
        .path_mtu = path_mtu, .operations_max = 80, .bytes_max = 600'000 / connections};
    Stream& there = add_stream(a, a_pair, b, b_pair, workload);
    Stream& back = add_stream(b, b_pair, a, a_pair, workload);
    simulation_.attach(hosts_[a].host, a_pair, users_.emplace_back(there, back));
    simulation_.attach(hosts_[b].host, b_pair, users_.emplace_back(back, there));
  }

  void note_wrap(Host& host, std::size_t pair) {
    const std::uint32_t psn = host.queue_pair(pair).address.first_psn;
    if (proto::kPsnMask - psn < kNearWrapPsns) ++report_.wraps;
  }

  std::size_t open_queue_pair(std::size_t host) {
    return hosts_[host].host.open(
        {.send_entries = draw_entries(), .receive_entries = draw_entries()});
  }

  Stream& add_stream(std::size_t from, std::size_t from_pair, std::size_t to, std::size_t to_pair,
                     const WorkloadOptions& options) {
    SimulatedHost& requester = hosts_[from];
    SimulatedHost& responder = hosts_[to];
    return streams_.emplace_back(
        static_cast<std::uint32_t>(streams_.size()),
        StreamEnd{&requester.host, from_pair, &requester.memory},
        StreamEnd{&responder.host, to_pair, &responder.memory},
        draw_workload(random_, options, requester.memory, responder.memory), random_, verdict_);
  }

  bool done() const { return std::ranges::all_of(streams_, &Stream::done); }

  std::string progress() const {
    std::string text;
    for (const Stream& stream : streams_) text += "\n  " + stream.progress();
    return text;
  }

  void check_memory() {
    for (const SimulatedHost& host : hosts_) {
      if (const auto difference = host.memory.find_difference()) verdict_.fail(*difference);
    }
  }

  SeedRunReport report() {
    report_.failure = verdict_.failure();
    report_.virtual_ns = simulation_.now_ns();
    report_.polls = simulation_.polls();
    for (const FaultWire* wire : fault_wires_) {
      report_.packets_harmed += wire->tally().lost + wire->tally().flipped;
    }
    for (const SimulatedHost& host : hosts_) {
      const EventCounts& counts = host.host.counts();
      report_.packets_sent += counts.packets_sent;
      report_.dropped_icrc += counts.dropped_icrc;
      report_.duplicates += counts.duplicates;
      report_.out_of_sequence += counts.out_of_sequence;
      report_.retransmitted += counts.retransmitted;
      report_.timeouts += counts.timeouts;
      report_.naks_sent += counts.naks_sent;
      report_.rnr_naks_sent += counts.rnr_naks_sent;
      report_.flight_reductions += counts.flight_reductions;
    }
    return report_;
  }

  SeedRunOptions options_;
  Random random_;
  Verdict verdict_;
  SeedRunReport report_;
  proto::IpFamily family_ = proto::IpFamily::kV4;
  SimNetwork network_;
  std::vector<const FaultWire*> fault_wires_;  // owned by the hosts
  std::deque<SimulatedHost> hosts_;
  std::deque<Stream> streams_;
  std::deque<StreamPair> users_;
  Simulation simulation_;
};

}  // namespace

SeedRunReport run_seed(std::uint64_t seed, const SeedRunOptions& options) {
  return SeedRun{seed, options}.run();
}

std::string replay_command(std::uint64_t seed, const SeedRunOptions& options) {
  return fmt::format(
      "{} --first {} --seeds 1 --loss {} --duplicate {} --reorder {} --flip {} --trace",
      MAPWIRE_SIM_SOAK, seed, options.loss, options.duplicate, options.reorder, options.flip);
}

}  // namespace mapwire::nic_fw::sim
