// Streaming for bw: as many requests outstanding as allowed, at the client, and with
// --bidirectional also at the server.
#pragma once

#include <cstdint>

#include "tools/round_trip.h"

namespace mapwire::tools {

class StreamSender {
 public:
  // `depth` requests are kept outstanding; at most the endpoint's send entries.
  StreamSender(const TestResources& resources, std::uint32_t depth)
      : resources_{resources}, depth_{depth} {}

  // From now on messages of `bytes` bytes; `iterations` of them, or with 0 until stop().
  void begin(std::size_t bytes, std::uint64_t iterations);
  // Posts what may be posted now. Polling is the caller's.
  [[nodiscard]] Code pump();
  void stop() { wanted_ = posted_; }
  std::uint64_t completed() const { return resources_.session.completed() - completed_before_; }
  bool done() const { return posted_ == wanted_ && resources_.session.outstanding() == 0; }

 private:
  Code post_one();

  TestResources resources_;
  std::uint32_t depth_;
  std::size_t bytes_ = 0;
  std::uint64_t wanted_ = 0;
  std::uint64_t posted_ = 0;
  std::uint64_t completed_before_ = 0;
};

// The server's end.
class StreamResponder : public Responder {
 public:
  StreamResponder(const TestResources& resources, std::uint32_t depth, bool bidirectional)
      : resources_{resources}, sender_{resources, depth}, bidirectional_{bidirectional} {}
  void begin(const PhaseMessage& start) override;
  Code on_message(const Received& message) override;
  Code on_idle() override { return bidirectional_ ? sender_.pump() : Code::kOk; }
  Code end() override;
  // Streamed by us if bidirectional, otherwise received.
  std::uint64_t messages() const override;
  std::uint64_t mismatches() const override { return 0; }

 private:
  TestResources resources_;
  StreamSender sender_;
  bool bidirectional_;
  bool until_end_ = false;  // stream until the client says so
  std::uint64_t received_ = 0;
};

}  // namespace mapwire::tools
