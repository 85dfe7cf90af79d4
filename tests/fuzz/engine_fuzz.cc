// The NIC engine with one connected queue pair, a peer that sends anything and an application that
// posts anything and may overwrite the indices of its rings. An input says whether the peer is of
// another make, and then is a series of steps. Whatever they are: each posted request completes
// exactly once, in order, unless its ring was overwritten; what the engine sends is a sound packet
// to the peer; and nobody touches memory outside of the region and the buffers (AddressSanitizer
// watches).
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "mapwire/nic_fw/engine.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"
#include "tests/fuzz/fuzz.h"
#include "tests/nic_fw/engine_test_support.h"

namespace mapwire {
namespace {

using fuzz::Input;
using fuzz::require;
using namespace nic_fw::engine_test;  // NOLINT(google-build-using-namespace): as in its tests

constexpr std::uint32_t kPathMtu = 256;
constexpr std::size_t kRegionBytes = 2048;
constexpr std::uint32_t kEntries = 16;
constexpr std::size_t kStepsMax = 200;
constexpr QueuePairAddress kPeer{
    .udp = {}, .qpn = 0x112233, .first_psn = 0xff'fff8, .read_atomic_max = 4};

QueuePairAddress peer_address() {
  QueuePairAddress peer = kPeer;
  peer.udp = test_address(2);
  return peer;
}

struct Target {
  explicit Target(bool is_foreign)
      : foreign{is_foreign}, region(kRegionBytes), buffer(kRegionBytes) {
    qp.connect(peer_address(), kPathMtu, foreign);
    keys = host.engine
               .register_memory(region,
                                {.local_write = true,
                                 .remote_read = true,
                                 .remote_write = true,
                                 .remote_atomic = true},
                                QueuePairOptions{}.protection_domain)
               .value();
  }
  bool foreign;
  bool rings_overwritten = false;
  Host host{1};
  TestQueuePair qp{host, {.send_entries = kEntries, .receive_entries = kEntries}};
  std::vector<std::byte> region;
  std::vector<std::byte> buffer;
  MemoryKeys keys;
  std::uint64_t now_ns = kSecond;
  std::uint64_t sends_posted = 0;
  std::uint64_t sends_completed = 0;
  std::uint64_t receives_posted = 0;
  std::uint64_t receives_completed = 0;
};

constexpr std::array kOpcodes{
    proto::Opcode::kSendFirst,          proto::Opcode::kSendMiddle,
    proto::Opcode::kSendLast,           proto::Opcode::kSendLastImmediate,
    proto::Opcode::kSendOnly,           proto::Opcode::kSendOnlyImmediate,
    proto::Opcode::kWriteFirst,         proto::Opcode::kWriteMiddle,
    proto::Opcode::kWriteLast,          proto::Opcode::kWriteLastImmediate,
    proto::Opcode::kWriteOnly,          proto::Opcode::kWriteOnlyImmediate,
    proto::Opcode::kReadRequest,        proto::Opcode::kReadResponseFirst,
    proto::Opcode::kReadResponseMiddle, proto::Opcode::kReadResponseLast,
    proto::Opcode::kReadResponseOnly,   proto::Opcode::kAcknowledge,
    proto::Opcode::kAtomicAcknowledge,  proto::Opcode::kCompareSwap,
    proto::Opcode::kFetchAdd,           proto::Opcode::kUdSendOnly,
};

bool is_request(proto::PacketKind kind) {
  return kind == proto::PacketKind::kSend || kind == proto::PacketKind::kWrite ||
         kind == proto::PacketKind::kReadRequest || kind == proto::PacketKind::kAtomic;
}

void deliver(Target& target, std::span<std::byte> bytes) {
  const proto::Flow flow{.source = peer_address().udp, .destination = target.host.address()};
  const std::uint16_t identification = target.foreign ? 0xfa3a : 0;
  if (bytes.size() >= 16) proto::seal(flow, identification, bytes);
  target.host.engine.on_packet(flow, bytes, target.now_ns);
}

// Fields that are near what would be right.
void deliver_packet(Target& target, Input& input) {
  const auto opcode = kOpcodes[input.take<std::uint8_t>() % kOpcodes.size()];
  const auto flags = input.take<std::uint8_t>();
  const auto near_region =
      address_of(target.region) + static_cast<std::uint64_t>(input.take<std::int16_t>());
  const std::uint32_t rkey = (flags & 1) != 0 ? input.take<std::uint32_t>() : target.keys.rkey;
  proto::Packet packet;
  packet.traits = proto::opcode_traits(opcode);
  const bool request = is_request(packet.traits.kind);
  const std::uint32_t first_psn = request ? kPeer.first_psn : target.qp.address.first_psn;
  packet.bth = {
      .opcode = static_cast<std::uint8_t>(opcode),
      .solicited = (flags & 2) != 0,
      .dest_qpn = target.qp.qpn(),
      .ack_request = (flags & 4) != 0,
      .psn = (first_psn + static_cast<std::uint32_t>(input.take<std::int8_t>())) & proto::kPsnMask};
  packet.reth = {.address = near_region, .rkey = rkey, .length = input.take<std::uint16_t>()};
  if ((flags & 8) != 0) packet.reth.length *= input.take<std::uint16_t>();
  packet.aeth = decode(input.take<proto::AethWire>());
  packet.atomic = {.address = near_region, .rkey = rkey, .swap_or_add = 1, .compare = 0};
  std::size_t length = packet.traits.payload ? input.take<std::uint16_t>() % (2 * kPathMtu) : 0;
  if ((flags & 16) != 0 && packet.traits.payload) length = kPathMtu;
  std::vector<std::byte> bytes(proto::packet_bytes(opcode, length));
  proto::write_packet(bytes, packet, length);
  deliver(target, bytes);
}

void deliver_bytes(Target& target, Input& input) {
  const auto taken = input.take_bytes(input.take<std::uint8_t>());
  std::vector<std::byte> bytes(taken.begin(), taken.end());
  deliver(target, bytes);
}

void scribble(std::span<std::byte> bytes, Input& input) {
  for (auto changes = input.take<std::uint8_t>() % 4; changes > 0; --changes) {
    bytes[input.take<std::uint8_t>() % bytes.size()] = input.take<std::byte>();
  }
}

// Keys of registered memory, by which addresses are checked: without one they would name any
// address of this process, which is its right and would end it.
void use_region_key(std::span<proto::Sge> elements, std::uint32_t lkey) {
  for (proto::Sge& element : elements) {
    if (proto::is_unregistered(element.lkey)) element.lkey = lkey;
  }
}

void post_send(Target& target, Input& input) {
  const auto opcode = static_cast<proto::WorkOpcode>(1 + input.take<std::uint8_t>() % 7);
  const auto length = std::min<std::size_t>(input.take<std::uint16_t>(), kRegionBytes);
  const bool atomic =
      opcode == proto::WorkOpcode::kCompareSwap || opcode == proto::WorkOpcode::kFetchAdd;
  const auto local = std::span<std::byte>{target.region}.first(atomic ? 8 : length);
  auto descriptor = remote_of(target.sends_posted, opcode, local, 0x1000, 1);
  descriptor.sge[0].lkey = target.keys.lkey;
  scribble(std::as_writable_bytes(std::span{&descriptor, 1}), input);
  descriptor.cookie = target.sends_posted;
  use_region_key(descriptor.sge, target.keys.lkey);
  if (target.qp.post(descriptor, target.now_ns)) ++target.sends_posted;
}

void post_receive(Target& target, Input& input) {
  const std::size_t length = input.take<std::uint16_t>() % (kRegionBytes + 1);
  auto descriptor = receive_of(target.receives_posted, std::span{target.buffer}.first(length));
  if (input.take<std::uint8_t>() % 8 == 0) {
    scribble(std::as_writable_bytes(std::span{&descriptor, 1}), input);
    use_region_key(descriptor.sge, target.keys.lkey);
  }
  descriptor.cookie = target.receives_posted;
  if (target.qp.post(descriptor, target.now_ns)) ++target.receives_posted;
}

void overwrite_index(Target& target, Input& input) {
  const auto overwrite = [&](proto::RingHeader& header, bool tail) {
    const int near = input.take<std::uint8_t>() - 128;
    (tail ? header.tail : header.head) = proto::kRingFirstIndex + static_cast<std::uint32_t>(near);
  };
  target.rings_overwritten = true;
  const auto which = input.take<std::uint8_t>();
  const bool tail = (which & 1) != 0;
  switch (which / 2 % 3) {
    case 0: overwrite(target.qp.send_ring().header(), tail); break;
    case 1: overwrite(target.qp.receive_ring().header(), tail); break;
    default: overwrite(target.host.completion_ring().header(), tail); break;
  }
}

void transmit(Target& target, bool acknowledge) {
  for (const TestPacket& sent : target.host.transmit(target.now_ns, acknowledge, 64)) {
    require(sent.flow.destination == peer_address().udp, "it goes to the peer");
    require(proto::verify_icrc(sent.flow, 0, sent.bytes), "its ICRC holds");
    const auto packet = proto::parse_packet(sent.bytes);
    require(packet.has_value(), "it is a packet");
    require(packet->bth.dest_qpn == kPeer.qpn, "it goes to the queue pair of the peer");
    require(packet->payload.size() <= kPathMtu, "it fits the path MTU");
  }
}

void reap(Target& target) {
  for (const proto::CompletionEntry& entry : target.host.completions()) {
    const bool received = entry.opcode == proto::WorkOpcode::kReceive ||
                          entry.opcode == proto::WorkOpcode::kReceiveWrite;
    std::uint64_t& next = received ? target.receives_completed : target.sends_completed;
    require(entry.status == 0 || entry.bytes == 0, "a failure moved nothing");
    require(entry.cookie == next || target.rings_overwritten,
            "requests complete once and in order");
    ++next;
  }
}

void step(Target& target, Input& input) {
  enum : std::uint8_t { kPacket, kBytes, kSend, kReceive, kTransmit, kReap, kTime, kForge, kKinds };
  switch (input.take<std::uint8_t>() % kKinds) {
    case kPacket: deliver_packet(target, input); break;
    case kBytes: deliver_bytes(target, input); break;
    case kSend: post_send(target, input); break;
    case kReceive: post_receive(target, input); break;
    case kTransmit: transmit(target, input.take<std::uint8_t>() % 2 == 0); break;
    case kReap: reap(target); break;
    case kTime:
      target.now_ns += input.take<std::uint16_t>() * std::uint64_t{100'000};
      target.host.engine.on_time(target.now_ns);
      break;
    case kForge: overwrite_index(target, input); break;
    default: break;
  }
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  Input input{data, size};
  Target target{(input.take<std::uint8_t>() & 1) != 0};
  for (std::size_t i = 0; i < kStepsMax && !input.empty(); ++i) step(target, input);
  target.host.engine.flush_queue_pair(target.qp.qpn(), Code::kFlushed);
  reap(target);
  if (target.rings_overwritten) return 0;
  require(target.sends_completed == target.sends_posted, "every send completes");
  require(target.receives_completed == target.receives_posted, "every receive completes");
  return 0;
}
