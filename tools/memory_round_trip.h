// The round trip of --op write and --op put: WRITEs and puts whose arrival is seen by polling the
// last byte of memory, as perftest's ib_write_lat does. No completion tells the receiver anything.
#pragma once

#include "tools/payload.h"
#include "tools/round_trip.h"

namespace mapwire::tools {

class MemoryRoundTrip : public RoundTrip {
 public:
  explicit MemoryRoundTrip(const TestResources& resources) : resources_{resources} {}
  void begin(std::size_t bytes) override;
  Code prepare(std::uint64_t sequence) override;
  Code run(std::uint64_t sequence) override;
  bool verify(std::uint64_t sequence) override;
  Code end() override { return Code::kOk; }

 private:
  TestResources resources_;
  std::size_t bytes_ = 0;
};

class MemoryResponder : public Responder {
 public:
  explicit MemoryResponder(const TestResources& resources) : resources_{resources} {}
  void begin(const PhaseMessage& start) override;
  Code on_message(const Received& /*message*/) override { return Code::kProtocolError; }
  Code on_idle() override;
  Code end() override { return resources_.session.drain(); }
  std::uint64_t messages() const override { return messages_; }
  std::uint64_t mismatches() const override { return mismatches_; }

 private:
  Code answer(std::uint64_t sequence);

  TestResources resources_;
  std::size_t bytes_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t mismatches_ = 0;
};

}  // namespace mapwire::tools
