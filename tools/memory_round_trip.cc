#include "tools/memory_round_trip.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mapwire::tools {
namespace {

// The byte changes under our feet, as under a NIC's DMA: whoever polls memory that a peer writes
// races with the NIC on purpose. So the thread sanitizer is told not to look at this one read; all
// others come after a poll().
__attribute__((no_sanitize("thread"))) bool arrived(const TestResources& resources,
                                                    std::size_t bytes, std::uint64_t sequence) {
  const auto* last =
      reinterpret_cast<const volatile std::uint8_t*>(resources.target.subspan(bytes - 1, 1).data());
  return std::byte{__atomic_load_n(last, __ATOMIC_ACQUIRE)} == last_byte(sequence);
}

// Between two ends that have mapped each other's memory no NIC has anything to do, and a put is
// over when its post returns: polls take completions away, and that not each for itself.
constexpr int kLooksPerPoll = 200;
constexpr int kAnswersPerPoll = 16;

bool is_mapped(const TestResources& resources) {
  return resources.window != nullptr && resources.window->mapped();
}

bool arrives_soon(const TestResources& resources, std::size_t bytes, std::uint64_t sequence) {
  const int looks = is_mapped(resources) ? kLooksPerPoll : 1;
  for (int look = 0; look < looks; ++look) {
    if (arrived(resources, bytes, sequence)) return true;
  }
  return false;
}

// The source belongs to the NIC until the last write has completed.
Code await_source(const TestResources& resources) {
  return is_mapped(resources) ? Code::kOk : resources.session.drain();
}

// The last byte of the first message differs from 0.
void forget_last_size(const TestResources& resources, std::size_t bytes) {
  resources.target[bytes - 1] = std::byte{0};
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
    // A word in one store: it is read as such, and a byte that was written just before would have
    // to leave the store buffer first.
    std::ranges::fill(source.last(std::min<std::size_t>(bytes, 8)), last_byte(sequence));
  }
}

Code post_put(const TestResources& resources, std::size_t offset, std::size_t bytes,
              std::uint64_t sequence) {
  const ConstBuffer source = resources.source.slice(offset, bytes);
  return resources.session.post(
      [&](Endpoint& /*endpoint*/) { return resources.window->put(offset, source, sequence); });
}

// What is stored at once is a whole. Of all else the last byte is put when the others are there.
Code post_puts(const TestResources& resources, std::size_t bytes, std::uint64_t sequence) {
  if (bytes <= sizeof(std::uint64_t) && std::has_single_bit(bytes)) {
    return post_put(resources, 0, bytes, sequence);
  }
  if (const Code code = post_put(resources, 0, bytes - 1, sequence); code != Code::kOk) return code;
  return post_put(resources, bytes - 1, 1, sequence);
}

Code post_write(const TestResources& resources, std::size_t bytes, std::uint64_t sequence) {
  if (resources.window != nullptr) return post_puts(resources, bytes, sequence);
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
  if (const Code code = await_source(resources_); code != Code::kOk) return code;
  fill_source(resources_, bytes_, Direction::kToServer, sequence);
  return Code::kOk;
}

Code MemoryRoundTrip::run(std::uint64_t sequence) {
  if (const Code code = post_write(resources_, bytes_, sequence); code != Code::kOk) return code;
  if (is_mapped(resources_) && arrives_soon(resources_, bytes_, sequence)) return Code::kOk;
  // Poll, then look: what a helper thread wrote before is visible after a poll.
  do {
    if (const Code code = resources_.session.poll(); code != Code::kOk) return code;
  } while (!arrives_soon(resources_, bytes_, sequence));
  return await_whole(resources_);
}

bool MemoryRoundTrip::verify(std::uint64_t sequence) {
  return payload_matches(resources_.target.first(bytes_), Direction::kToClient, sequence);
}

void MemoryResponder::begin(const PhaseMessage& start) {
  bytes_ = static_cast<std::size_t>(start.bytes);
  messages_ = 0;
  mismatches_ = 0;
  forget_last_size(resources_, bytes_);
}

Code MemoryResponder::on_idle() {
  for (int answers = 0; answers < kAnswersPerPoll; ++answers) {
    const std::uint64_t sequence = messages_ + 1;
    if (!arrives_soon(resources_, bytes_, sequence)) break;
    if (const Code code = answer(sequence); code != Code::kOk) return code;
  }
  return Code::kOk;
}

Code MemoryResponder::answer(std::uint64_t sequence) {
  if (const Code code = await_whole(resources_); code != Code::kOk) return code;
  messages_ = sequence;
  if (resources_.verify &&
      !payload_matches(resources_.target.first(bytes_), Direction::kToServer, sequence)) {
    ++mismatches_;
  }
  if (const Code code = await_source(resources_); code != Code::kOk) return code;
  fill_source(resources_, bytes_, Direction::kToClient, sequence);
  return post_write(resources_, bytes_, sequence);
}

}  // namespace mapwire::tools
