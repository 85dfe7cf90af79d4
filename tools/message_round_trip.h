// Round trips in which each message is seen as a completion: send, send_imm, write_imm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tools/payload.h"
#include "tools/round_trip.h"

namespace mapwire::tools {

// Posts message `sequence` of the first `bytes` bytes of the source.
[[nodiscard]] Code post_message(const TestResources& resources, std::size_t bytes,
                                std::uint64_t sequence);

// True if message `sequence` arrived whole, from `direction`.
[[nodiscard]] bool message_matches(const TestResources& resources, const Received& message,
                                   std::size_t bytes, Direction direction, std::uint64_t sequence);

class MessageRoundTrip : public RoundTrip {
 public:
  explicit MessageRoundTrip(const TestResources& resources) : resources_{resources} {}
  void begin(std::size_t bytes) override { bytes_ = bytes; }
  Code prepare(std::uint64_t sequence) override;
  Code run(std::uint64_t sequence) override;
  bool verify(std::uint64_t /*sequence*/) override { return matched_; }
  Code end() override { return release_last(); }

 private:
  Code release_last();

  TestResources resources_;
  std::size_t bytes_ = 0;
  std::optional<Received> last_;  // not released yet
  bool matched_ = true;
};

class MessageResponder : public Responder {
 public:
  explicit MessageResponder(const TestResources& resources) : resources_{resources} {}
  void begin(const PhaseMessage& start) override;
  Code on_message(const Received& message) override;
  Code on_idle() override { return Code::kOk; }
  Code end() override { return resources_.session.drain(); }
  std::uint64_t messages() const override { return messages_; }
  std::uint64_t mismatches() const override { return mismatches_; }

 private:
  TestResources resources_;
  std::size_t bytes_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t mismatches_ = 0;
};

}  // namespace mapwire::tools
