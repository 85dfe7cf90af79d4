#include "tools/stream.h"

namespace mapwire::tools {

void StreamSender::begin(std::size_t bytes, std::uint64_t iterations) {
  bytes_ = bytes;
  wanted_ = iterations == 0 ? UINT64_MAX : iterations;
  posted_ = 0;
  completed_before_ = resources_.session.completed();
}

Code StreamSender::pump() {
  while (posted_ < wanted_ && resources_.session.outstanding() < depth_) {
    const Code code = post_one();
    if (code == Code::kWouldBlock) return Code::kOk;
    if (code != Code::kOk) return code;
    ++posted_;
  }
  return Code::kOk;
}

Code StreamSender::post_one() {
  const MutableBuffer buffer = resources_.source.slice(0, bytes_);
  return resources_.session.try_post([&](Endpoint& endpoint) {
    if (resources_.op == TestOp::kWrite)
      return endpoint.post_write(buffer, resources_.peer, posted_);
    if (resources_.op == TestOp::kRead) return endpoint.post_read(buffer, resources_.peer, posted_);
    return endpoint.post_send(buffer, posted_);
  });
}

void StreamResponder::begin(const PhaseMessage& start) {
  received_ = 0;
  until_end_ = start.iterations == 0;
  sender_.begin(static_cast<std::size_t>(start.bytes), start.iterations);
}

Code StreamResponder::on_message(const Received& /*message*/) {
  ++received_;
  return Code::kOk;
}

Code StreamResponder::end() {
  if (!bidirectional_) return Code::kOk;
  if (until_end_) sender_.stop();
  while (!sender_.done()) {
    if (const Code code = sender_.pump(); code != Code::kOk) return code;
    if (const Code code = resources_.session.poll(); code != Code::kOk) return code;
  }
  return Code::kOk;
}

std::uint64_t StreamResponder::messages() const {
  return bidirectional_ ? sender_.completed() : received_;
}

}  // namespace mapwire::tools
