#include "tools/message_round_trip.h"

#include <optional>
#include <utility>

namespace mapwire::tools {
namespace {

// Stays below the immediate of control messages.
std::uint32_t immediate_of(std::uint64_t sequence) {
  return static_cast<std::uint32_t>(sequence & 0x7fff'ffff);
}

}  // namespace

Code post_message(const TestResources& resources, std::size_t bytes, std::uint64_t sequence) {
  const ConstBuffer source = resources.source.slice(0, bytes);
  if (resources.op == TestOp::kWriteImmediate) {
    return resources.session.post([&](Endpoint& endpoint) {
      return endpoint.post_write(source, resources.peer, sequence, immediate_of(sequence));
    });
  }
  std::optional<std::uint32_t> immediate;
  if (resources.op == TestOp::kSendImmediate) immediate = immediate_of(sequence);
  return resources.session.post(
      [&](Endpoint& endpoint) { return endpoint.post_send(source, sequence, immediate); });
}

bool message_matches(const TestResources& resources, const Received& message, std::size_t bytes,
                     Direction direction, std::uint64_t sequence) {
  const bool written = resources.op == TestOp::kWriteImmediate;
  if (resources.op != TestOp::kSend && message.immediate != immediate_of(sequence)) return false;
  if (!written && message.bytes.size() != bytes) return false;
  const std::span<const std::byte> payload =
      written ? resources.target.first(bytes) : message.bytes;
  return payload_matches(payload, direction, sequence);
}

Code MessageRoundTrip::prepare(std::uint64_t sequence) {
  if (!resources_.verify) return Code::kOk;
  // The source belongs to the NIC until the last message has completed.
  if (const Code code = resources_.session.drain(); code != Code::kOk) return code;
  fill_payload(resources_.source.memory().first(bytes_), Direction::kToServer, sequence);
  return Code::kOk;
}

Code MessageRoundTrip::run(std::uint64_t sequence) {
  Session& session = resources_.session;
  if (const Code code = post_message(resources_, bytes_, sequence); code != Code::kOk) return code;
  // While the message is under way: its answer has no need of this receive.
  if (const Code code = release_last(); code != Code::kOk) return code;
  while (!session.has_message()) {
    if (const Code code = session.poll(); code != Code::kOk) return code;
  }
  last_ = session.take_message();
  matched_ = !resources_.verify ||
             message_matches(resources_, *last_, bytes_, Direction::kToClient, sequence);
  return Code::kOk;
}

Code MessageRoundTrip::release_last() {
  const auto last = std::exchange(last_, std::nullopt);
  return last ? resources_.session.release(*last) : Code::kOk;
}

void MessageResponder::begin(const PhaseMessage& start) {
  bytes_ = static_cast<std::size_t>(start.bytes);
  messages_ = 0;
  mismatches_ = 0;
}

Code MessageResponder::on_message(const Received& message) {
  ++messages_;
  if (resources_.verify) {
    if (!message_matches(resources_, message, bytes_, Direction::kToServer, messages_)) {
      ++mismatches_;
    }
    if (const Code code = resources_.session.drain(); code != Code::kOk) return code;
    fill_payload(resources_.source.memory().first(bytes_), Direction::kToClient, messages_);
  }
  return post_message(resources_, bytes_, messages_);
}

}  // namespace mapwire::tools
