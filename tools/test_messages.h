// What the two ends of a test tell each other, as JSON: the client's wishes in the private data of
// set-up, everything after that in messages of the connection itself. Each end checks what it got.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/memory.h"
#include "mapwire/runtime/error.h"
#include "tools/test_op.h"

namespace mapwire::tools {

inline constexpr std::uint64_t kTestBytesMax = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kIterationsMax = 100'000'000;
inline constexpr std::uint64_t kControlBytesMax = 4096;  // of an encoded message

// What the client asks the server to take part in.
struct TestRequest {
  TestKind kind = TestKind::kLatency;
  TestOp op = TestOp::kSend;
  std::uint64_t bytes_min = 0;  // of the sizes that will be run
  std::uint64_t bytes_max = 0;
  std::uint32_t depth = 1;     // requests outstanding, in bandwidth tests
  bool bidirectional = false;  // bandwidth only
  bool verify = false;         // latency only
  bool sleep = false;          // wait for events instead of polling
  RemoteBuffer memory;         // of the client, for the server's writes and reads
};

// How an end runs, for the preamble.
struct EndDescription {
  std::string version;     // of mapwire
  std::string processors;  // it may run on
  std::string threads;     // "safe", "single"
  std::string progress;    // "passive", "inline"
  std::string memory;      // "registered", "heap"
};

// What the server says to a request.
struct TestAnswer {
  Code code = Code::kOk;  // otherwise refused
  std::string message;    // why
  EndDescription server;
  RemoteBuffer memory;  // of the server
};

// Where the window is that an end exports to the other: "host:port/name".
struct WindowMessage {
  std::string address;
};

enum class PhaseKind : std::uint8_t { kStart, kReady, kEnd, kDone, kBye };

// The steps of a run of one size: client start, server ready, messages, client end, server done.
// The client's bye ends the connection.
struct PhaseMessage {
  PhaseKind kind = PhaseKind::kBye;
  std::uint64_t bytes = 0;       // kStart: of each message
  std::uint64_t iterations = 0;  // kStart: the server streams so many; 0: until kEnd
  std::uint64_t messages = 0;    // kDone: received, or streamed, or the value atomics left
  std::uint64_t mismatches = 0;  // kDone: messages with other bytes than were sent
};

// Decoders refuse with kProtocolError, or kVersionMismatch where the other end speaks a newer or
// older version of these messages. Encoded requests and answers fit into private data.
std::vector<std::byte> encode(const TestRequest& request);
std::vector<std::byte> encode(const TestAnswer& answer);
std::vector<std::byte> encode(const WindowMessage& message);
std::vector<std::byte> encode(const PhaseMessage& message);
std::expected<TestRequest, Error> decode_request(std::span<const std::byte> bytes);
std::expected<TestAnswer, Error> decode_answer(std::span<const std::byte> bytes);
std::expected<WindowMessage, Error> decode_window(std::span<const std::byte> bytes);
std::expected<PhaseMessage, Error> decode_phase(std::span<const std::byte> bytes);

// The private data of a server that understands test requests, and whether these are that.
std::vector<std::byte> server_greeting();
bool is_server_greeting(std::span<const std::byte> bytes);

}  // namespace mapwire::tools
