// One way to make a round trip, and the other end of it. The operations differ in how a message is
// posted and how its arrival is seen; what is measured around them is the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "mapwire/endpoints/memory.h"
#include "mapwire/endpoints/window.h"
#include "tools/local_memory.h"
#include "tools/session.h"
#include "tools/test_op.h"

namespace mapwire::tools {

// What both ends of a test work with. The session and the regions outlive everything made of it.
struct TestResources {
  Session& session;
  LocalMemory& source;          // what is sent; what is read arrives here
  std::span<std::byte> target;  // what the peer writes, reads and counts in
  RemoteBuffer peer;            // its target
  Window* window = nullptr;     // the same, of kPut
  TestOp op = TestOp::kSend;
  bool verify = false;
};

// The client's end. Messages are numbered from 1.
class RoundTrip {
 public:
  RoundTrip() = default;
  RoundTrip(const RoundTrip&) = delete;
  RoundTrip& operator=(const RoundTrip&) = delete;
  virtual ~RoundTrip() = default;

  // Before the first message of this size; the server is told afterwards.
  virtual void begin(std::size_t bytes) = 0;
  // Before each message; measured only where it has no contents to make.
  [[nodiscard]] virtual Code prepare(std::uint64_t sequence) = 0;
  // Measured: from the post to the arrival of the answer.
  [[nodiscard]] virtual Code run(std::uint64_t sequence) = 0;
  // After each message, not measured. False: other bytes than were sent.
  [[nodiscard]] virtual bool verify(std::uint64_t sequence) = 0;
  // After the last message of this size.
  [[nodiscard]] virtual Code end() = 0;
};

// The server's end of a test of either kind.
class Responder {
 public:
  Responder() = default;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  virtual ~Responder() = default;

  // Before the first message of a size; the client is told afterwards.
  virtual void begin(const PhaseMessage& start) = 0;
  // A message of the test came. It is released by the caller.
  [[nodiscard]] virtual Code on_message(const Received& message) = 0;
  // Called after every poll.
  [[nodiscard]] virtual Code on_idle() = 0;
  // The client is done with this size; finishes what is under way.
  [[nodiscard]] virtual Code end() = 0;
  // Since begin(): for PhaseMessage.
  virtual std::uint64_t messages() const = 0;
  virtual std::uint64_t mismatches() const = 0;
};

std::unique_ptr<RoundTrip> make_round_trip(const TestResources& resources);
std::unique_ptr<Responder> make_latency_responder(const TestResources& resources);

}  // namespace mapwire::tools
