#include "tools/memory_round_trip.h"

#include <cstdint>

namespace mapwire::tools {
namespace {

// The byte changes under our feet, as under a NIC's DMA: whoever polls memory that a peer writes
// races with the NIC on purpose. So the thread sanitizer is told not to look at this one read; all
// others come after a poll().
__attribute__((no_sanitize("thread"))) bool arrived(const TestResources& resources,
                                                    std::size_t bytes, std::uint64_t sequence) {
  const auto* last = reinterpret_cast<const volatile std::uint8_t*>(
      resources.target.memory().subspan(bytes - 1, 1).data());
  return std::byte{__atomic_load_n(last, __ATOMIC_ACQUIRE)} == last_byte(sequence);
}

// The last byte of the first message differs from 0.
void forget_last_size(const TestResources& resources, std::size_t bytes) {
  resources.target.memory()[bytes - 1] = std::byte{0};
}

// The last byte may be there before the others of its packet. When another poll() returns, the NIC
// is done with the packet.
Code await_whole(const TestResources& resources) {
  return resources.verify ? resources.session.poll() : Code::kOk;
}

void fill_source(const TestResources& resources, std::size_t bytes, Direction direction,
                 std::uint64_t sequence) {
  const std::span<std::byte> source = resources.source.memory().first(bytes);
  if (resources.verify) {
    fill_payload(source, direction, sequence);
  } else {
    source.back() = last_byte(sequence);
  }
}

Code post_write(const TestResources& resources, std::size_t bytes, std::uint64_t sequence) {
  const ConstBuffer source = resources.source.slice(0, bytes);
  return resources.session.post(
      [&](Endpoint& endpoint) { return endpoint.post_write(source, resources.peer, sequence); });
}

}  // namespace

void MemoryRoundTrip::begin(std::size_t bytes) {
  bytes_ = bytes;
  forget_last_size(resources_, bytes);
}

Code MemoryRoundTrip::prepare(std::uint64_t sequence) {
  // The source belongs to the NIC until the last write has completed.
  if (const Code code = resources_.session.drain(); code != Code::kOk) return code;
  fill_source(resources_, bytes_, Direction::kToServer, sequence);
  return Code::kOk;
}

Code MemoryRoundTrip::run(std::uint64_t sequence) {
  if (const Code code = post_write(resources_, bytes_, sequence); code != Code::kOk) return code;
  // Poll, then look: what a helper thread wrote before is visible after a poll.
  do {
    if (const Code code = resources_.session.poll(); code != Code::kOk) return code;
  } while (!arrived(resources_, bytes_, sequence));
  return await_whole(resources_);
}

bool MemoryRoundTrip::verify(std::uint64_t sequence) {
  return payload_matches(resources_.target.memory().first(bytes_), Direction::kToClient, sequence);
}

void MemoryResponder::begin(const PhaseMessage& start) {
  bytes_ = static_cast<std::size_t>(start.bytes);
  messages_ = 0;
  mismatches_ = 0;
  forget_last_size(resources_, bytes_);
}

Code MemoryResponder::on_idle() {
  const std::uint64_t sequence = messages_ + 1;
  if (!arrived(resources_, bytes_, sequence)) return Code::kOk;
  if (const Code code = await_whole(resources_); code != Code::kOk) return code;
  messages_ = sequence;
  if (resources_.verify &&
      !payload_matches(resources_.target.memory().first(bytes_), Direction::kToServer, sequence)) {
    ++mismatches_;
  }
  if (const Code code = resources_.session.drain(); code != Code::kOk) return code;
  fill_source(resources_, bytes_, Direction::kToClient, sequence);
  return post_write(resources_, bytes_, sequence);
}

}  // namespace mapwire::tools
