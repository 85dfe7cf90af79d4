// What the tests of the engine share: an engine with rings in plain memory, packets as values, and
// a pair of connected queue pairs under explicit time.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/proto/icrc.h"
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
  explicit Host(unsigned number, HostOptions options = {})
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
    options.seed = number;
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

struct PairOptions {
  std::uint32_t path_mtu = 1024;
  QueuePairOptions queue_pair{};
  HostOptions host{};
};

// Two hosts, `a` and `b`, with one connected queue pair each.
class Pair {
 public:
  // Whether a packet gets through.
  using Filter = std::function<bool(const TestPacket&)>;

  explicit Pair(PairOptions options = {})
      : a{1, options.host},
        b{2, options.host},
        qa{a, options.queue_pair},
        qb{b, options.queue_pair} {
    qa.connect(qb.address, options.path_mtu);
    qb.connect(qa.address, options.path_mtu);
  }

  bool post_a(const proto::SendDescriptor& descriptor) { return qa.post(descriptor, now_ns); }
  bool post_b(const proto::ReceiveDescriptor& descriptor) { return qb.post(descriptor, now_ns); }

  // Carries packets from `from` to `to` once; returns those that were sent.
  std::vector<TestPacket> carry(Host& from, Host& to, const Filter& passes = nullptr) {
    auto packets = from.transmit(now_ns);
    for (const TestPacket& packet : packets) {
      if (!passes || passes(packet)) to.receive(packet, now_ns);
    }
    return packets;
  }

  // Carries packets both ways until both sides are silent.
  void run(const Filter& passes = nullptr) {
    for (;;) {
      const bool a_sent = !carry(a, b, passes).empty();
      const bool b_sent = !carry(b, a, passes).empty();
      if (!a_sent && !b_sent) return;
      now_ns += kTripNs;
    }
  }

  // Runs both sides through their timers, for at most `duration_ns`.
  void run_for(std::uint64_t duration_ns, const Filter& passes = nullptr) {
    const std::uint64_t end_ns = now_ns + duration_ns;
    for (;;) {
      run(passes);
      const std::uint64_t next_ns =
          std::min(a.engine.next_deadline_ns(), b.engine.next_deadline_ns());
      if (next_ns > end_ns) break;
      now_ns = std::max(now_ns, next_ns);
      a.engine.on_time(now_ns);
      b.engine.on_time(now_ns);
    }
    now_ns = std::max(now_ns, end_ns);
  }

  static constexpr std::uint64_t kTripNs = 10'000;
  std::uint64_t now_ns = kSecond;
  Host a;
  Host b;
  TestQueuePair qa;
  TestQueuePair qb;
};

// One host whose peer is the test: every packet to it is made by hand.
class HandMadePeer {
 public:
  explicit HandMadePeer(PairOptions options = {})
      : host{1, options.host}, qp{host, options.queue_pair}, path_mtu_{options.path_mtu} {
    qp.connect(address, options.path_mtu);
  }

  // A packet with PSN `ahead` behind the first, and the fields the opcode needs left to the caller.
  proto::Packet packet(proto::Opcode opcode, std::uint32_t ahead = 0) const {
    proto::Packet packet;
    packet.bth.opcode = std::to_underlying(opcode);
    packet.bth.dest_qpn = qp.qpn();
    packet.bth.ack_request = true;
    packet.bth.psn = (address.first_psn + ahead) & proto::kPsnMask;
    return packet;
  }
  proto::Packet with_reth(proto::Opcode opcode, std::uint32_t ahead,
                          const proto::Reth& reth) const {
    proto::Packet made = packet(opcode, ahead);
    made.reth = reth;
    return made;
  }
  // An answer to the host's request that is `ahead` behind its first.
  proto::Packet answer(proto::Opcode opcode, std::uint32_t ahead, const proto::Aeth& aeth) const {
    proto::Packet made = packet(opcode);
    made.bth.psn = (qp.address.first_psn + ahead) & proto::kPsnMask;
    made.aeth = aeth;
    return made;
  }
  proto::Packet ack(std::uint32_t ahead, std::uint32_t msn = 0,
                    std::uint8_t credits = proto::kNoCreditLimit) const {
    return answer(proto::Opcode::kAcknowledge, ahead,
                  {.type = proto::AethType::kAck, .value = credits, .msn = msn});
  }
  proto::Packet nak(std::uint32_t ahead, proto::NakCode code) const {
    return answer(
        proto::Opcode::kAcknowledge, ahead,
        {.type = proto::AethType::kNak, .value = static_cast<std::uint8_t>(code), .msn = 0});
  }
  proto::Packet rnr_nak(std::uint32_t ahead, std::uint8_t timer_code) const {
    return answer(proto::Opcode::kAcknowledge, ahead,
                  {.type = proto::AethType::kRnrNak, .value = timer_code, .msn = 0});
  }

  TestPacket seal(const proto::Packet& packet, std::span<const std::byte> payload = {}) const {
    TestPacket made{.flow = {.source = address.udp, .destination = host.address()}, .bytes = {}};
    made.bytes.resize(proto::packet_bytes(packet.opcode(), payload.size()));
    const auto room = proto::write_packet(made.bytes, packet, payload.size());
    if (!payload.empty()) std::copy(payload.begin(), payload.end(), room.begin());
    proto::seal(made.flow, 0, made.bytes);
    return made;
  }
  void give(const proto::Packet& packet, std::span<const std::byte> payload = {}) {
    host.receive(seal(packet, payload), now_ns);
  }
  // What the host sends now.
  std::vector<TestPacket> take() { return host.transmit(now_ns); }
  // Expects exactly one answer, a NAK of this code.
  void expect_nak(proto::NakCode code) {
    const auto answers = take();
    ASSERT_EQ(answers.size(), 1U);
    const proto::Packet nak = answers[0].parsed();
    EXPECT_EQ(nak.opcode(), proto::Opcode::kAcknowledge);
    EXPECT_EQ(nak.aeth.type, proto::AethType::kNak);
    EXPECT_EQ(nak.aeth.value, static_cast<std::uint8_t>(code));
  }
  bool post(const proto::SendDescriptor& descriptor) { return qp.post(descriptor, now_ns); }
  bool post(const proto::ReceiveDescriptor& descriptor) { return qp.post(descriptor, now_ns); }
  // Lets time pass, with the host's timers run when they are due.
  void pass(std::uint64_t duration_ns) {
    const std::uint64_t end_ns = now_ns + duration_ns;
    while (host.engine.next_deadline_ns() < end_ns) {
      now_ns = std::max(now_ns, host.engine.next_deadline_ns());
      host.engine.on_time(now_ns);
    }
    now_ns = end_ns;
    host.engine.on_time(now_ns);
  }
  std::size_t path_mtu() const { return path_mtu_; }

  std::uint64_t now_ns = kSecond;
  // The peer's; its PSNs wrap soon, so that every test with a few packets meets the wrap.
  QueuePairAddress address{.udp = test_address(9),
                           .qpn = 0x777,
                           .first_psn = 0xff'fffe,
                           .path_mtu_max = 4096,
                           .read_atomic_max = 2};
  Host host;
  TestQueuePair qp;

 private:
  std::size_t path_mtu_;
};

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
