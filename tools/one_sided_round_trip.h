// The round trips the server takes no part in: read, cas, faa.
#pragma once

#include "tools/payload.h"
#include "tools/round_trip.h"

namespace mapwire::tools {

class ReadRoundTrip : public RoundTrip {
 public:
  explicit ReadRoundTrip(const TestResources& resources) : resources_{resources} {}
  void begin(std::size_t bytes) override { bytes_ = bytes; }
  Code prepare(std::uint64_t sequence) override;
  Code run(std::uint64_t sequence) override;
  bool verify(std::uint64_t sequence) override;
  Code end() override { return Code::kOk; }

 private:
  TestResources resources_;
  std::size_t bytes_ = 0;
};

// Both atomics count the server's word up by one.
class AtomicRoundTrip : public RoundTrip {
 public:
  explicit AtomicRoundTrip(const TestResources& resources) : resources_{resources} {}
  void begin(std::size_t /*bytes*/) override {}
  Code prepare(std::uint64_t /*sequence*/) override { return Code::kOk; }
  Code run(std::uint64_t sequence) override;
  bool verify(std::uint64_t sequence) override { return original_ == sequence - 1; }
  Code end() override { return Code::kOk; }

 private:
  TestResources resources_;
  std::uint64_t original_ = 0;
};

class OneSidedResponder : public Responder {
 public:
  explicit OneSidedResponder(const TestResources& resources) : resources_{resources} {}
  void begin(const PhaseMessage& start) override;
  Code on_message(const Received& /*message*/) override { return Code::kProtocolError; }
  Code on_idle() override { return Code::kOk; }
  Code end() override { return Code::kOk; }
  std::uint64_t messages() const override;  // atomics: the value they left; read: 0
  std::uint64_t mismatches() const override { return 0; }

 private:
  TestResources resources_;
};

}  // namespace mapwire::tools
