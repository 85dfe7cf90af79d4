#include "tests/nic_fw/sim/host.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

namespace mapwire::nic_fw::sim {

Host::Host(const HostOptions& options, std::unique_ptr<Wire> wire)
    : counters_{counters()},
      completion_ring_{options.completion_entries},
      completions_{completion_ring_.consumer()},
      engine_{options.engine, completion_ring_.producer(), counters_},
      wire_{std::move(wire)},
      address_{*wire_->open(options.address.ip)} {}

EngineCounters Host::counters() {
  EngineCounters counters;
  counters.packets_sent = Counter{&counts_.packets_sent};
  counters.dropped_icrc = Counter{&counts_.dropped_icrc};
  counters.duplicates = Counter{&counts_.duplicates};
  counters.out_of_sequence = Counter{&counts_.out_of_sequence};
  counters.retransmitted_packets = Counter{&counts_.retransmitted};
  counters.timeouts = Counter{&counts_.timeouts};
  counters.naks_sent = Counter{&counts_.naks_sent};
  counters.rnr_naks_sent = Counter{&counts_.rnr_naks_sent};
  counters.flight_reductions = Counter{&counts_.flight_reductions};
  return counters;
}

std::size_t Host::open(const QueuePairOptions& options) {
  HostQueuePair& pair = queue_pairs_.emplace_back(options);
  auto address = engine_.open_queue_pair(
      options, address_,
      {.send = pair.send_ring.consumer(), .receive = pair.receive_ring.consumer()});
  if (!address) {
    std::fprintf(stderr, "the engine refuses a queue pair: %s\n", address.error().message.c_str());
    std::abort();
  }
  pair.address = *address;
  return queue_pairs_.size() - 1;
}

void Host::receive(const PollBudget& budget, std::uint64_t now_ns) {
  std::array<WirePacket, kBatchMax> packets;
  const std::size_t count =
      wire_->receive(std::span{packets}.first(budget.receive_packets), now_ns);
  for (const WirePacket& packet : std::span{packets}.first(count)) {
    engine_.on_packet(packet.flow, packet.bytes, now_ns);
  }
  engine_.on_time(now_ns);
}

void Host::transmit(const PollBudget& budget, std::uint64_t now_ns) {
  std::array<TransmitSlot, kBatchMax> slots;
  for (std::size_t i = 0; i < kBatchMax; ++i) slots[i].bytes = buffers_[i];
  const std::size_t count =
      engine_.transmit(std::span{slots}.first(budget.transmit_packets), budget.acknowledge, now_ns);
  for (const TransmitSlot& slot : std::span{slots}.first(count)) {
    const WirePacket packet{.flow = slot.flow, .bytes = slot.bytes.first(slot.used)};
    wire_->send({&packet, 1}, now_ns);
  }
}

std::uint64_t Host::next_work_ns(std::uint64_t now_ns) const {
  if (engine_.has_output(true)) return now_ns;
  return std::max(now_ns, std::min(wire_->next_deadline_ns(), engine_.next_deadline_ns()));
}

bool connect(Host& a, std::size_t a_index, Host& b, std::size_t b_index, std::uint32_t path_mtu,
             std::uint64_t now_ns) {
  const QueuePairAddress& a_address = a.queue_pair(a_index).address;
  const QueuePairAddress& b_address = b.queue_pair(b_index).address;
  return a.engine()
             .connect_queue_pair(a_address.qpn, {.address = b_address, .path_mtu = path_mtu},
                                 now_ns)
             .has_value() &&
         b.engine()
             .connect_queue_pair(b_address.qpn, {.address = a_address, .path_mtu = path_mtu},
                                 now_ns)
             .has_value();
}

}  // namespace mapwire::nic_fw::sim
