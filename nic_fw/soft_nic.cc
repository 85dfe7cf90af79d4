#include "mapwire/nic_fw/soft_nic.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/management_datagram.h"
#include "mapwire/nic_fw/queue_table.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/route_mtu.h"
#include "mapwire/nic_fw/soft_connection_manager.h"
#include "mapwire/nic_fw/transmitter.h"
#include "mapwire/proto/packet.h"
#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/spsc_ring.h"

namespace mapwire::nic_fw {
namespace {

using proto::CompletionEntry;

// Packets taken from the wire per poll(), which bounds its work: what the UDP wire holds at once.
constexpr std::size_t kReceiveBatchPackets = 64;

// The engine and the communication manager draw different numbers from one seed.
constexpr std::uint64_t kConnectionManagerSeed = 0x636d'636d'636d'636d;

// The completion queue, in an arena of its own: the application writes nothing into it.
struct CompletionQueue {
  Arena arena;
  RingProducer<CompletionEntry> producer;
  RingConsumer<CompletionEntry> consumer;
};

std::expected<CompletionQueue, Error> make_completion_queue(std::uint32_t entries) {
  const std::size_t bytes = proto::ring_bytes(entries, sizeof(CompletionEntry));
  auto arena = Arena::create("mapwire-completions", bytes);
  if (!arena) return std::unexpected(std::move(arena.error()));
  const auto memory = arena->memory();
  format_ring<CompletionEntry>(memory, entries, proto::kDescriptorVersion);
  // A ring formatted a moment ago always opens: see make_work_queues.
  auto producer = RingProducer<CompletionEntry>::open(memory, proto::kDescriptorVersion).value();
  auto consumer = RingConsumer<CompletionEntry>::open(memory, proto::kDescriptorVersion).value();
  return CompletionQueue{std::move(*arena), producer, consumer};
}

RandomSource random_source(std::uint64_t seed, std::uint64_t user = 0) {
  if (seed == 0) return draw_system_random;
  return std::mt19937_64{seed ^ user};
}

class SoftNic final : public Nic {
 public:
  SoftNic(const SoftNicOptions& options, std::unique_ptr<Wire> wire, CompletionQueue completions,
          CounterBlock* counters);

  const NicAttributes& attributes() const override { return attributes_; }
  ConnectionManager* connection_manager() override { return &connection_manager_; }
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions& options,
                                                         const proto::IpAddress& local,
                                                         const proto::IpAddress& remote) override;
  std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) override;
  void flush_queue_pair(Qpn qpn, Code reason) override { engine_.flush_queue_pair(qpn, reason); }
  void close_queue_pair(Qpn qpn) override;
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t protection_domain) override {
    return engine_.register_memory(memory, access, protection_domain);
  }
  void deregister_memory(std::uint32_t lkey) override { engine_.deregister_memory(lkey); }
  bool post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) override;
  bool post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) override;
  Polled poll(std::span<CompletionEntry> completions, Now now) override;
  std::size_t poll_async(std::span<AsyncEvent> events) override {
    return engine_.poll_async(events);
  }
  int event_fd() const override { return wire_->event_fd(); }
  std::uint64_t next_deadline_ns() override;

 private:
  void receive(std::uint64_t now_ns);
  std::size_t take_completions(std::span<CompletionEntry> completions);

  // The order is that of destruction: the engine uses the rings, and the transmitter the engine.
  QueueTable queues_;
  Arena completion_arena_;
  RingConsumer<CompletionEntry> completions_;
  EngineCounters counters_;
  Engine engine_;
  std::unique_ptr<Wire> wire_;
  Transmitter transmitter_{engine_, *wire_};
  SoftConnectionManager connection_manager_;
  NicAttributes attributes_;
  std::array<WirePacket, kReceiveBatchPackets> received_;
  bool acknowledgements_held_ = false;
};

SoftNic::SoftNic(const SoftNicOptions& options, std::unique_ptr<Wire> wire,
                 CompletionQueue completions, CounterBlock* counters)
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
                  .queue_pairs_max = options.queue_pairs_max,
                  .queue_entries_max = queues_.queue_entries_max(),
                  .completion_entries = options.completion_entries,
                  .read_atomic_max = EngineOptions{}.read_atomic_max,
                  .path_mtu_max = options.path_mtu_max} {}

std::expected<QueuePairAddress, Error> SoftNic::open_queue_pair(const QueuePairOptions& options,
                                                                const proto::IpAddress& local,
                                                                const proto::IpAddress& remote) {
  auto payload_bytes_max = wire_->payload_bytes_max(local, remote);
  if (!payload_bytes_max) return std::unexpected(std::move(payload_bytes_max.error()));
  auto path_mtu = path_mtu_for(*payload_bytes_max, local, remote);
  if (!path_mtu) return std::unexpected(std::move(path_mtu.error()));
  auto udp = options.roce_port ? wire_->open_roce_port(local) : wire_->open(local);
  if (!udp) return std::unexpected(std::move(udp.error()));
  auto queues = queues_.make(options);
  if (!queues) return std::unexpected(std::move(queues.error()));
  auto address = engine_.open_queue_pair(options, *udp, queues->ends.engine);
  if (!address) {
    queues_.discard(*queues);
    return address;
  }
  queues_.add(address->qpn, *queues);
  address->path_mtu_max = std::min(*path_mtu, attributes_.path_mtu_max);
  return address;
}

std::expected<void, Error> SoftNic::connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                       std::uint64_t now_ns) {
  QueuePairPeer reachable = peer;
  reachable.address.udp.ip.scope_id = 0;  // as in the packets that come from there: see wire.h
  return engine_.connect_queue_pair(qpn, reachable, now_ns);
}

void SoftNic::close_queue_pair(Qpn qpn) {
  engine_.close_queue_pair(qpn);  // reads the rings no more: their memory may go
  queues_.remove(qpn);
  if (completions_.available() == 0) queues_.on_completions_drained();
}

// What the engine sends goes out before the call returns, acknowledgements last: what is posted may
// be the reply that they were held back for.
bool SoftNic::post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) {
  WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr || !queues->send.post(descriptor)) return false;
  engine_.on_send_doorbell(qpn, now.ns());
  transmitter_.transmit(true, now.ns());
  acknowledgements_held_ = false;
  return true;
}

bool SoftNic::post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) {
  WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr || !queues->receive.post(descriptor)) return false;
  engine_.on_receive_doorbell(qpn, now.ns());
  return true;
}

// Acknowledgements that fall due together with completions are held back until the next call: if
// the application replies, the reply overtakes them, which saves its peer more than a microsecond.
// A poll that yields nothing gives nothing to reply to, so there they go at once.
Polled SoftNic::poll(std::span<CompletionEntry> completions, Now now) {
  const std::uint64_t now_ns = now.ns();
  if (acknowledgements_held_) transmitter_.transmit(true, now_ns);
  receive(now_ns);
  // After what has arrived was heard: a peer is not silent because we did not listen.
  if (engine_.next_deadline_ns() <= now_ns) engine_.on_time(now_ns);
  connection_manager_.progress(now_ns);
  const std::size_t count = take_completions(completions);
  acknowledgements_held_ = count > 0;
  transmitter_.transmit(!acknowledgements_held_, now_ns);
  return {.completions = count,
          .events = engine_.has_async_events() || connection_manager_.has_events()};
}

void SoftNic::receive(std::uint64_t now_ns) {
  const std::size_t count = wire_->receive(received_, now_ns);
  for (const WirePacket& packet : std::span{received_}.first(count)) {
    if (is_for_management(packet.bytes)) {
      connection_manager_.on_packet(packet, now_ns);
    } else {
      engine_.on_packet(packet.flow, packet.bytes, now_ns);
    }
  }
}

std::size_t SoftNic::take_completions(std::span<CompletionEntry> completions) {
  for (std::size_t count = 0; count < completions.size(); ++count) {
    const auto completion = completions_.try_pop();
    if (!completion) {
      queues_.on_completions_drained();
      return count;
    }
    queues_.on_completion(*completion);
    completions[count] = *completion;
  }
  return completions.size();
}

std::uint64_t SoftNic::next_deadline_ns() {
  if (completions_.available() > 0) return 0;
  const bool wire_is_full = transmitter_.retry_at_ns() != Transmitter::kNever;
  if (!wire_is_full && engine_.has_output(true)) return 0;
  return std::min({transmitter_.retry_at_ns(), engine_.next_deadline_ns(),
                   wire_->next_deadline_ns(), connection_manager_.next_deadline_ns()});
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
    return refuse("completion_entries", options.completion_entries, "a power of two 2..1048576");
  }
  if (!is_power_of_two_in(options.path_mtu_max, proto::kPathMtuMin, proto::kPathMtuMax)) {
    return refuse("path_mtu_max", options.path_mtu_max, "a power of two 256..4096");
  }
  return {};
}

}  // namespace

std::expected<std::unique_ptr<Nic>, Error> make_soft_nic(const SoftNicOptions& options,
                                                         std::unique_ptr<Wire> wire,
                                                         CounterBlock* counters) {
  if (auto usable = check(options); !usable) return std::unexpected(std::move(usable.error()));
  auto completions = make_completion_queue(options.completion_entries);
  if (!completions) return std::unexpected(std::move(completions.error()));
  return std::make_unique<SoftNic>(options, std::move(wire), std::move(*completions), counters);
}

}  // namespace mapwire::nic_fw
