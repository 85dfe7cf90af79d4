// The client's end of ping and bw: connected to a server that agreed to the test.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "mapwire/endpoints/context.h"
#include "tools/round_trip.h"
#include "tools/test_memory.h"
#include "tools/test_options.h"
#include "tools/test_windows.h"

namespace mapwire::tools {

class TestClient {
 public:
  // Connects to options.address and tells the server what is wanted. `context` outlives the client.
  // Errors: those of Context::connect; kPeerRefused or the server's own code if it refuses;
  // kProtocolError if the peer is no mapwire ping or bw; kTimeout if it does not answer.
  static std::expected<TestClient, Error> connect(Context& context, const TestOptions& options);

  // Begins and ends a run of one size; between them, messages. `iterations` are for a server that
  // streams too; 0: until end().
  std::expected<void, Error> start(std::uint64_t bytes, std::uint64_t iterations);
  std::expected<PhaseMessage, Error> end();
  // Ends the connection in good order. Whether the server got to hear it does not matter.
  void bye();

  Session& session() { return session_; }
  TestResources resources();
  EndpointInfo info() const { return session_.endpoint().info(); }
  const TestAnswer& answer() const { return answer_; }

 private:
  TestClient(TestMemory memory, Session session, TestAnswer answer, TestOp op, bool verify);

  TestMemory memory_;
  Session session_;  // after the memory: closed before that goes
  std::optional<TestWindows> windows_;
  TestAnswer answer_;
  TestOp op_;
  bool verify_;
};

}  // namespace mapwire::tools
