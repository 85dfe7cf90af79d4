// What the tests of the engine share: a pair of connected queue pairs under explicit time, and a
// peer whose packets are made by hand.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "mapwire/proto/icrc.h"
#include "tests/nic_fw/test_host.h"

namespace mapwire::nic_fw::engine_test {

// Of one packet, for tests to which it does not matter.
inline const std::vector<std::byte> kMessage = test_bytes(10);

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

  explicit Pair(const PairOptions& options = {})
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
  explicit HandMadePeer(const PairOptions& options = {})
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

}  // namespace mapwire::nic_fw::engine_test
