// The shm wire with one connected queue pair, a peer that writes anything anywhere in its block at
// any time, and an application that posts anything. An input is a series of steps. Whatever they
// are: each posted request completes exactly once, in order; the queue pair fails at most once; and
// nobody touches memory outside of the region and the buffer (AddressSanitizer watches).
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/descriptor_passing.h"
#include "mapwire/nic_fw/shm/meeting_place.h"
#include "mapwire/nic_fw/shm/transport.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

using fuzz::Input;
using fuzz::require;
using namespace nic_fw::shm;  // NOLINT(google-build-using-namespace): as in its tests

constexpr std::uint32_t kEntries = 16;
constexpr std::uint32_t kRegionBytes = 2048;
constexpr std::size_t kStepsMax = 200;
constexpr Qpn kQpn = 0x112233;
constexpr QueuePairOptions kOptions{.send_entries = kEntries, .receive_entries = kEntries};

std::uint64_t draw() {
  static std::uint64_t last = nic_fw::draw_system_random();  // two runs have names of their own
  return ++last;
}

// Where the peer is met.
struct Door {
  SharedMemoryAddress address{.socket = draw(), .nonce = draw()};
  UniqueFd socket = listen_at(address.socket, 1);
};
const Door& door() {
  static const Door kDoor;
  return kDoor;
}

struct alignas(proto::kCacheLine) Line {
  std::array<std::byte, proto::kCacheLine> bytes;
};

struct Target {
  Target() {
    QueuePairAddress address;
    address.qpn = 7;
    address.read_atomic_max = 4;
    address.shared_memory = door().address;
    transport->reserve_completions(2 * kEntries);
    qp = transport->connect(kQpn, kOptions, {.address = address, .path_mtu = 4096}, queues, now_ns)
             .value();
    socket = UniqueFd{::accept4(door().socket.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    const proto::ShmHello hello{.receiver_nonce = transport->address().nonce,
                                .socket = door().address.socket,
                                .nonce = door().address.nonce};
    require(send_with_descriptor(socket.get(), std::as_bytes(std::span{&hello, 1}), block.fd()),
            "a hello leaves");
    transport->next_deadline_ns(now_ns);  // takes it
    keys = memory
               .add(region,
                    {.local_write = true,
                     .remote_read = true,
                     .remote_write = true,
                     .remote_atomic = true},
                    kOptions.protection_domain, draw)
               .value();
  }

  nic_fw::MemoryTable memory{4};
  std::unique_ptr<Transport> transport =
      Transport::create({.read_atomic_max = 4, .random = draw}, memory, nullptr).value();
  Arena block = make_block().value();
  UniqueFd socket;
  std::vector<Line> rings =
      std::vector<Line>((nic_fw::work_queue_bytes(kOptions) + sizeof(Line) - 1) / sizeof(Line));
  nic_fw::WorkQueues queues =
      nic_fw::make_work_queues(
          kOptions,
          std::as_writable_bytes(std::span{rings}).first(nic_fw::work_queue_bytes(kOptions)))
          .application;
  QueuePair* qp = nullptr;
  std::vector<std::byte> region = std::vector<std::byte>(kRegionBytes);
  std::vector<std::byte> buffer = std::vector<std::byte>(kRegionBytes);
  MemoryKeys keys;
  std::uint64_t now_ns = kNanosecondsPerSecond;
  std::uint32_t position = proto::kShmFirstPosition;
  std::uint64_t sends_posted = 0;
  std::uint64_t sends_completed = 0;
  std::uint64_t receives_posted = 0;
  std::uint64_t receives_completed = 0;
  std::size_t failures = 0;
};

std::uint64_t near_region(const Target& target, Input& input) {
  return reinterpret_cast<std::uint64_t>(target.region.data()) +
         static_cast<std::uint64_t>(input.take<std::int16_t>());
}

proto::ShmCell& next_cell(Target& target) {
  auto* cells = reinterpret_cast<proto::ShmCell*>(&target.block.memory()[proto::kShmCellsOffset]);
  return cells[target.position % proto::kShmCells];
}

// Fields that are near what would be right.
void write_cell(Target& target, Input& input) {
  proto::ShmCell& cell = next_cell(target);
  const auto flags = input.take<std::uint8_t>();
  cell.kind = static_cast<proto::ShmKind>(flags >> 4);
  cell.flags = flags & 15;
  cell.bytes = input.take<std::uint8_t>();
  const std::uint32_t request = input.take<std::uint8_t>();
  cell.request = request < 128 ? request : request - 256;  // one of the first, or of those before
  cell.acknowledged = input.take<std::uint8_t>();
  const auto more = input.take<std::uint8_t>();
  cell.qpn = (more & 1) != 0 ? input.take<std::uint32_t>() : kQpn;
  if ((more & 2) != 0) cell.bytes = input.take<std::uint16_t>();
  if ((more & 4) != 0) cell.area_offset = input.take<std::uint32_t>();
  proto::ShmAtomic body{};
  body.target = {.address = near_region(target, input),
                 .rkey = (more & 8) != 0 ? input.take<std::uint32_t>() : target.keys.rkey,
                 .bytes = (more & 16) != 0 ? input.take<std::uint32_t>() : cell.bytes};
  std::memcpy(cell.body.data(), &body, sizeof(body));
  cell.sequence = ++target.position;
}

void write_bytes(Target& target, Input& input) {
  const auto bytes = input.take_bytes(sizeof(proto::ShmCell) - sizeof(std::uint32_t));
  proto::ShmCell& cell = next_cell(target);
  if (!bytes.empty()) std::memcpy(static_cast<void*>(&cell.kind), bytes.data(), bytes.size());
  cell.sequence = ++target.position;
}

void scribble(Target& target, Input& input) {
  const auto memory = target.block.memory();
  const std::size_t offset = input.take<std::uint32_t>() % (memory.size() - 8);
  const auto bytes = input.take_bytes(8);
  if (!bytes.empty()) std::memcpy(&memory[offset], bytes.data(), bytes.size());
}

void forge_consumed(Target& target, Input& input) {
  header_of(target.block).consumed =
      proto::kShmFirstPosition + static_cast<std::uint32_t>(input.take<std::int16_t>());
}

void post_send(Target& target, Input& input) {
  proto::SendDescriptor descriptor{.cookie = target.sends_posted, .sge_count = 1};
  descriptor.opcode = static_cast<proto::WorkOpcode>(input.take<std::uint8_t>() % 10);
  descriptor.remote_address = near_region(target, input);
  descriptor.sge[0] = {.address = near_region(target, input),
                       .bytes = descriptor.opcode >= proto::WorkOpcode::kCompareSwap
                                    ? 8U
                                    : input.take<std::uint16_t>(),
                       .lkey = target.keys.lkey};
  if (!target.queues.send.take_entry()) return;
  ++target.sends_posted;
  target.transport->post_send(*target.qp, descriptor);
}

void post_receive(Target& target, Input& input) {
  proto::ReceiveDescriptor descriptor{.cookie = target.receives_posted, .sge_count = 1};
  descriptor.sge[0] = {.address = reinterpret_cast<std::uint64_t>(target.buffer.data()),
                       .bytes = input.take<std::uint16_t>() % (kRegionBytes + 1)};
  if (!target.queues.receive.take_entry()) return;
  ++target.receives_posted;
  target.transport->post_receive(*target.qp, descriptor);
}

void on_completion(Target& target, const proto::CompletionEntry& entry) {
  const bool received = entry.opcode == proto::WorkOpcode::kReceive ||
                        entry.opcode == proto::WorkOpcode::kReceiveWrite;
  std::uint64_t& next = received ? target.receives_completed : target.sends_completed;
  require(entry.qpn == kQpn, "it is of the queue pair");
  require(entry.status == 0 || entry.bytes == 0, "a failure moved nothing");
  require(entry.cookie == next, "requests complete once and in order");
  ++next;
}

// As the NIC does.
void poll(Target& target, std::size_t count) {
  while (target.transport->completions_wait()) {
    const proto::CompletionEntry entry = target.transport->take_waiting();
    target.queues.on_completion(entry.opcode);
    on_completion(target, entry);
  }
  std::array<proto::CompletionEntry, 16> entries;
  const auto room = std::span{entries}.first(std::min(count, entries.size()));
  const std::size_t got = target.transport->poll(room, target.now_ns);
  for (const auto& entry : room.first(got)) on_completion(target, entry);
  AsyncEvent event;
  target.failures += target.transport->poll_async({&event, 1});
  require(target.failures <= 1, "a queue pair fails once");
}

void step(Target& target, Input& input) {
  enum : std::uint8_t {
    kCell,
    kBytes,
    kScribble,
    kConsumed,
    kSend,
    kReceive,
    kPoll,
    kSleep,
    kKinds
  };
  switch (input.take<std::uint8_t>() % kKinds) {
    case kCell: write_cell(target, input); break;
    case kBytes: write_bytes(target, input); break;
    case kScribble: scribble(target, input); break;
    case kConsumed: forge_consumed(target, input); break;
    case kSend: post_send(target, input); break;
    case kReceive: post_receive(target, input); break;
    case kPoll: poll(target, input.take<std::uint8_t>()); break;
    case kSleep:
      target.now_ns += input.take<std::uint16_t>() * std::uint64_t{100'000};
      target.transport->next_deadline_ns(target.now_ns);
      break;
    default: break;
  }
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  Input input{data, size};
  Target target;
  for (std::size_t i = 0; i < kStepsMax && !input.empty(); ++i) step(target, input);
  poll(target, 0);
  target.transport->flush(*target.qp, Code::kFlushed);
  poll(target, 16);
  require(target.sends_completed == target.sends_posted, "every send completes");
  require(target.receives_completed == target.receives_posted, "every receive completes");
  target.transport->close(*target.qp);
  return 0;
}
