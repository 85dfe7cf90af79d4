// An engine with rings in plain memory and packets as values, under explicit time.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/proto/packet.h"
#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw::engine_test {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kSecond = 1000 * kMs;

// Both ends of a ring of `T`.
template <class T>
class TestRing {
 public:
  explicit TestRing(std::uint32_t entries)
      : lines_(proto::ring_bytes(entries, sizeof(T)) / sizeof(Line) + 1) {
    format_ring<T>(memory(), entries, proto::kDescriptorVersion);
  }
  std::span<std::byte> memory() { return std::as_writable_bytes(std::span{lines_}); }
  RingProducer<T> producer() { return *RingProducer<T>::open(memory(), proto::kDescriptorVersion); }
  RingConsumer<T> consumer() { return *RingConsumer<T>::open(memory(), proto::kDescriptorVersion); }
  // What a hostile party would write to.
  proto::RingHeader& header() { return *reinterpret_cast<proto::RingHeader*>(lines_.data()); }

 private:
  struct alignas(proto::kCacheLine) Line {
    std::array<std::byte, proto::kCacheLine> bytes;
  };
  std::vector<Line> lines_;
};

// Counters that really count, in memory of the test.
class TestCounters {
 public:
  TestCounters() {
    std::array<Counter, kCounters> handles;
    for (std::size_t i = 0; i < kCounters; ++i) handles[i] = Counter{&cells_[i]};
    counters = std::bit_cast<EngineCounters>(handles);
  }
  EngineCounters counters;

 private:
  static constexpr std::size_t kCounters = sizeof(EngineCounters) / sizeof(Counter);
  std::array<std::atomic<std::uint64_t>, kCounters> cells_{};
};

// A packet between two engines.
struct TestPacket {
  proto::Flow flow;
  std::vector<std::byte> bytes;
  proto::Packet parsed() const { return *proto::parse_packet(bytes); }
  proto::Opcode opcode() const { return parsed().opcode(); }
  std::uint32_t psn() const { return parsed().bth.psn; }
};

inline proto::UdpAddress test_address(unsigned host) {
  proto::UdpAddress address;
  address.ip.bytes = {10, 0, 0, static_cast<std::uint8_t>(host)};
  address.port = static_cast<std::uint16_t>(5000 + host);
  return address;
}

inline std::vector<std::byte> test_bytes(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(seed + i * 13 + i / 251);
  return bytes;
}

inline proto::Sge sge_of(std::span<const std::byte> memory, std::uint32_t lkey = 0) {
  return {.address = reinterpret_cast<std::uint64_t>(memory.data()),
          .bytes = static_cast<std::uint32_t>(memory.size()),
          .lkey = lkey};
}

inline std::uint64_t address_of(std::span<const std::byte> memory) {
  return reinterpret_cast<std::uint64_t>(memory.data());
}

struct HostOptions {
  EngineOptions engine{.queue_pairs_max = 8, .memory_regions_max = 16, .read_atomic_max = 4};
  std::uint32_t completion_entries = 1024;
};

// One engine and its completion queue.
class Host {
 public:
  explicit Host(unsigned number, const HostOptions& options = {})
      : completion_ring_{options.completion_entries},
        completions_{completion_ring_.consumer()},
        address_{test_address(number)},
        engine{with_seed(options.engine, number), completion_ring_.producer(), stats_.counters} {}

  const proto::UdpAddress& address() const { return address_; }
  const EngineCounters& counters() const { return stats_.counters; }
  TestRing<proto::CompletionEntry>& completion_ring() { return completion_ring_; }

  std::vector<proto::CompletionEntry> completions() {
    std::vector<proto::CompletionEntry> taken;
    while (auto entry = completions_.try_pop()) taken.push_back(*entry);
    return taken;
  }

  // Everything the engine wants to send, at most `slots_max` packets.
  std::vector<TestPacket> transmit(std::uint64_t now_ns, bool acknowledge = true,
                                   std::size_t slots_max = 4096) {
    std::vector<TestPacket> packets;
    std::vector<std::byte> buffer(proto::kPacketBytesMax);
    while (packets.size() < slots_max) {
      TransmitSlot slot{.flow = {}, .bytes = buffer, .used = 0};
      if (engine.transmit({&slot, 1}, acknowledge, now_ns) == 0) break;
      packets.push_back({slot.flow, {buffer.begin(), buffer.begin() + std::ptrdiff_t(slot.used)}});
    }
    return packets;
  }

  void receive(const TestPacket& packet, std::uint64_t now_ns) {
    engine.on_packet(packet.flow, packet.bytes, now_ns);
  }

  std::vector<AsyncEvent> async_events() {
    std::array<AsyncEvent, 8> events;
    const std::size_t count = engine.poll_async(events);
    return {events.begin(), events.begin() + std::ptrdiff_t(count)};
  }

 private:
  static EngineOptions with_seed(EngineOptions options, unsigned number) {
    options.random = std::mt19937_64{number};
    return options;
  }
  TestCounters stats_;
  TestRing<proto::CompletionEntry> completion_ring_;
  RingConsumer<proto::CompletionEntry> completions_;
  proto::UdpAddress address_;

 public:
  Engine engine;
};

// A queue pair of a host, with the application's ends of its rings.
class TestQueuePair {
 public:
  explicit TestQueuePair(Host& host, QueuePairOptions options = {})
      : host_{&host},
        send_ring_{std::make_unique<TestRing<proto::SendDescriptor>>(options.send_entries)},
        receive_ring_{
            std::make_unique<TestRing<proto::ReceiveDescriptor>>(options.receive_entries)},
        send_{send_ring_->producer()},
        receive_{receive_ring_->producer()},
        address{*host.engine.open_queue_pair(
            options, host.address(),
            {.send = send_ring_->consumer(), .receive = receive_ring_->consumer()})} {}

  Qpn qpn() const { return address.qpn; }
  TestRing<proto::SendDescriptor>& send_ring() { return *send_ring_; }
  TestRing<proto::ReceiveDescriptor>& receive_ring() { return *receive_ring_; }

  void connect(const QueuePairAddress& peer, std::uint32_t path_mtu, bool foreign = false) {
    ASSERT_TRUE(host_->engine.connect_queue_pair(
        qpn(), {.address = peer, .path_mtu = path_mtu, .foreign = foreign}, 0));
  }
  bool post(const proto::SendDescriptor& descriptor, std::uint64_t now_ns) {
    if (!send_.try_push(descriptor)) return false;
    host_->engine.on_send_doorbell(qpn(), now_ns);
    return true;
  }
  bool post(const proto::ReceiveDescriptor& descriptor, std::uint64_t now_ns) {
    if (!receive_.try_push(descriptor)) return false;
    host_->engine.on_receive_doorbell(qpn(), now_ns);
    return true;
  }

 private:
  Host* host_;
  std::unique_ptr<TestRing<proto::SendDescriptor>> send_ring_;
  std::unique_ptr<TestRing<proto::ReceiveDescriptor>> receive_ring_;
  RingProducer<proto::SendDescriptor> send_;
  RingProducer<proto::ReceiveDescriptor> receive_;

 public:
  QueuePairAddress address;
};

// Descriptors with one element.
inline proto::SendDescriptor send_of(std::uint64_t cookie, std::span<const std::byte> memory,
                                     proto::WorkOpcode opcode = proto::WorkOpcode::kSend) {
  proto::SendDescriptor descriptor;
  descriptor.cookie = cookie;
  descriptor.opcode = opcode;
  descriptor.sge_count = 1;
  descriptor.sge[0] = sge_of(memory);
  return descriptor;
}

inline proto::SendDescriptor remote_of(std::uint64_t cookie, proto::WorkOpcode opcode,
                                       std::span<const std::byte> local, std::uint64_t remote,
                                       std::uint32_t rkey) {
  proto::SendDescriptor descriptor = send_of(cookie, local, opcode);
  descriptor.remote_address = remote;
  descriptor.rkey = rkey;
  return descriptor;
}

inline proto::ReceiveDescriptor receive_of(std::uint64_t cookie, std::span<std::byte> memory) {
  proto::ReceiveDescriptor descriptor;
  descriptor.cookie = cookie;
  descriptor.sge_count = 1;
  descriptor.sge[0] = sge_of(memory);
  return descriptor;
}

// Expects one completion after the other: cookie and status.
inline void expect_completions(Host& host,
                               const std::vector<std::pair<std::uint64_t, Code>>& expected) {
  const auto entries = host.completions();
  ASSERT_EQ(entries.size(), expected.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].cookie, expected[i].first) << "completion " << i;
    EXPECT_EQ(entries[i].status, std::to_underlying(expected[i].second)) << "completion " << i;
  }
}

}  // namespace mapwire::nic_fw::engine_test
