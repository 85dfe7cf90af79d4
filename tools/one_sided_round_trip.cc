#include "tools/one_sided_round_trip.h"

#include <algorithm>
#include <cstring>

namespace mapwire::tools {
namespace {

// The number of the only message the server's memory holds.
constexpr std::uint64_t kReadSequence = 1;

bool is_atomic(const TestResources& resources) { return entry(resources.op).atomic; }

}  // namespace

Code ReadRoundTrip::prepare(std::uint64_t /*sequence*/) {
  // Bytes of the last read must not pass for those of the next.
  if (resources_.verify) {
    std::ranges::fill(resources_.source.memory().first(bytes_), std::byte{0});
  }
  return Code::kOk;
}

Code ReadRoundTrip::run(std::uint64_t sequence) {
  const MutableBuffer buffer = resources_.source.slice(0, bytes_);
  const Code code = resources_.session.post(
      [&](Endpoint& endpoint) { return endpoint.post_read(buffer, resources_.peer, sequence); });
  return code == Code::kOk ? resources_.session.drain() : code;
}

bool ReadRoundTrip::verify(std::uint64_t /*sequence*/) {
  return payload_matches(resources_.source.memory().first(bytes_), Direction::kToClient,
                         kReadSequence);
}

Code AtomicRoundTrip::run(std::uint64_t sequence) {
  const Code code = resources_.session.post([&](Endpoint& endpoint) {
    return resources_.op == TestOp::kCompareSwap
               ? endpoint.post_compare_swap(original_, resources_.peer, sequence - 1, sequence,
                                            sequence)
               : endpoint.post_fetch_add(original_, resources_.peer, 1, sequence);
  });
  return code == Code::kOk ? resources_.session.drain() : code;
}

void OneSidedResponder::begin(const PhaseMessage& start) {
  const auto bytes = static_cast<std::size_t>(start.bytes);
  const std::span<std::byte> target = resources_.target.first(bytes);
  if (is_atomic(resources_)) {
    std::ranges::fill(target, std::byte{0});
  } else {
    fill_payload(target, Direction::kToClient, kReadSequence);
  }
}

std::uint64_t OneSidedResponder::messages() const {
  std::uint64_t value = 0;
  if (is_atomic(resources_)) std::memcpy(&value, resources_.target.data(), sizeof(value));
  return value;
}

}  // namespace mapwire::tools
