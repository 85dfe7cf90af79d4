#include "tools/test_messages.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace mapwire::tools {
namespace {

using nlohmann::json;

constexpr std::uint64_t kVersion = 1;  // of these messages
constexpr std::string_view kGreeting = "mapwire test server";
constexpr std::array<std::string_view, 5> kPhaseNames{"start", "ready", "end", "done", "bye"};

std::vector<std::byte> to_bytes(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::vector<std::byte> dump(const json& object) {
  // Text of a peer's origin may hold broken UTF-8, which would throw.
  return to_bytes(object.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::unexpected<Error> refuse(Code code, std::string message) {
  return std::unexpected(Error::make(code, ErrorScope::kEndpoint, std::move(message)));
}

// Reads members of an object and remembers the first that is missing or wrong.
class Reader {
 public:
  explicit Reader(const json& object) : object_{object} {}

  std::uint64_t number(const char* key, std::uint64_t max) {
    const auto found = object_.find(key);
    if (found == object_.end() || !found->is_number_unsigned()) return fail<std::uint64_t>(key);
    const auto value = found->get<std::uint64_t>();
    return value <= max ? value : fail<std::uint64_t>(key);
  }
  bool boolean(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end() || !found->is_boolean()) return fail<bool>(key);
    return found->get<bool>();
  }
  std::string text(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end() || !found->is_string()) return fail<std::string>(key);
    return found->get<std::string>();
  }
  RemoteBuffer memory() {
    return {.address = number("address", UINT64_MAX),
            .bytes = number("memory_bytes", UINT64_MAX),
            .rkey = static_cast<std::uint32_t>(number("rkey", UINT32_MAX))};
  }
  void require(bool condition, const char* key) {
    if (!condition) fail<bool>(key);
  }
  const std::optional<std::string>& wrong() const { return wrong_; }

 private:
  template <class T>
  T fail(const char* key) {
    if (!wrong_) wrong_ = key;
    return T{};
  }
  const json& object_;
  std::optional<std::string> wrong_;
};

void put_memory(json& object, const RemoteBuffer& memory) {
  object["address"] = memory.address;
  object["memory_bytes"] = memory.bytes;
  object["rkey"] = memory.rkey;
}

// The object in `bytes`, of our version.
std::expected<json, Error> parse(std::span<const std::byte> bytes, std::string_view what) {
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  json object = json::parse(text, text + bytes.size(), nullptr, false);
  if (!object.is_object()) {
    return refuse(Code::kProtocolError, "the peer's " + std::string{what} +
                                            " is no JSON object: it does not run mapwire ping or "
                                            "bw, check the address");
  }
  const auto version = object.find("version");
  if (version == object.end() || *version != kVersion) {
    return refuse(Code::kVersionMismatch, "the peer's " + std::string{what} +
                                              " is of another version of the test messages; use "
                                              "the same mapwire on both ends");
  }
  return object;
}

template <class T>
std::expected<T, Error> checked(const Reader& reader, T value, std::string_view what) {
  if (!reader.wrong()) return value;
  return refuse(Code::kProtocolError, "the peer's " + std::string{what} + " has no valid '" +
                                          *reader.wrong() + "'; use the same mapwire on both ends");
}

}  // namespace

std::vector<std::byte> encode(const TestRequest& request) {
  json object{{"version", kVersion},
              {"test", name(request.kind)},
              {"op", entry(request.op).name},
              {"bytes_min", request.bytes_min},
              {"bytes_max", request.bytes_max},
              {"depth", request.depth},
              {"bidirectional", request.bidirectional},
              {"verify", request.verify},
              {"sleep", request.sleep}};
  put_memory(object, request.memory);
  return dump(object);
}

std::expected<TestRequest, Error> decode_request(std::span<const std::byte> bytes) {
  constexpr std::string_view kWhat = "test request";
  const auto object = parse(bytes, kWhat);
  if (!object) return std::unexpected(object.error());
  Reader reader{*object};
  const std::string kind = reader.text("test");
  const auto op = find_test_op(reader.text("op"));
  reader.require(op.has_value(), "op");
  reader.require(kind == name(TestKind::kLatency) || kind == name(TestKind::kBandwidth), "test");
  TestRequest request{
      .kind = kind == name(TestKind::kLatency) ? TestKind::kLatency : TestKind::kBandwidth,
      .op = op.value_or(TestOp::kSend),
      .bytes_min = reader.number("bytes_min", kTestBytesMax),
      .bytes_max = reader.number("bytes_max", kTestBytesMax),
      .depth = static_cast<std::uint32_t>(reader.number("depth", 4096)),
      .bidirectional = reader.boolean("bidirectional"),
      .verify = reader.boolean("verify"),
      .sleep = reader.boolean("sleep"),
      .memory = reader.memory()};
  reader.require(request.bytes_min >= 1 && request.bytes_min <= request.bytes_max, "bytes_min");
  reader.require(request.depth >= 1, "depth");
  return checked(reader, request, kWhat);
}

std::vector<std::byte> encode(const TestAnswer& answer) {
  json object{{"version", kVersion},
              {"code", static_cast<std::uint16_t>(answer.code)},
              // Cut, so that the answer fits into a control message whatever was wrong.
              {"message", answer.message.substr(0, 400)},
              {"mapwire", answer.server.version},
              {"processors", answer.server.processors.substr(0, 100)},
              {"threads", answer.server.threads},
              {"progress", answer.server.progress},
              {"memory", answer.server.memory}};
  put_memory(object, answer.memory);
  return dump(object);
}

std::expected<TestAnswer, Error> decode_answer(std::span<const std::byte> bytes) {
  constexpr std::string_view kWhat = "answer";
  const auto object = parse(bytes, kWhat);
  if (!object) return std::unexpected(object.error());
  Reader reader{*object};
  const TestAnswer answer{.code = static_cast<Code>(reader.number("code", UINT16_MAX)),
                          .message = reader.text("message"),
                          .server = {.version = reader.text("mapwire"),
                                     .processors = reader.text("processors"),
                                     .threads = reader.text("threads"),
                                     .progress = reader.text("progress"),
                                     .memory = reader.text("memory")},
                          .memory = reader.memory()};
  return checked(reader, answer, kWhat);
}

std::vector<std::byte> encode(const WindowMessage& message) {
  return dump(json{{"version", kVersion}, {"window", message.address}});
}

std::expected<WindowMessage, Error> decode_window(std::span<const std::byte> bytes) {
  constexpr std::string_view kWhat = "window";
  const auto object = parse(bytes, kWhat);
  if (!object) return std::unexpected(object.error());
  Reader reader{*object};
  WindowMessage message{.address = reader.text("window")};
  return checked(reader, std::move(message), kWhat);
}

std::vector<std::byte> encode(const PhaseMessage& message) {
  return dump(json{{"version", kVersion},
                   {"phase", kPhaseNames[static_cast<std::size_t>(message.kind)]},
                   {"bytes", message.bytes},
                   {"iterations", message.iterations},
                   {"messages", message.messages},
                   {"mismatches", message.mismatches}});
}

std::expected<PhaseMessage, Error> decode_phase(std::span<const std::byte> bytes) {
  constexpr std::string_view kWhat = "control message";
  const auto object = parse(bytes, kWhat);
  if (!object) return std::unexpected(object.error());
  Reader reader{*object};
  const std::string phase = reader.text("phase");
  std::size_t kind = 0;
  while (kind < kPhaseNames.size() && kPhaseNames[kind] != phase) ++kind;
  reader.require(kind < kPhaseNames.size(), "phase");
  const PhaseMessage message{.kind = static_cast<PhaseKind>(kind),
                             .bytes = reader.number("bytes", kTestBytesMax),
                             .iterations = reader.number("iterations", kIterationsMax),
                             .messages = reader.number("messages", UINT64_MAX),
                             .mismatches = reader.number("mismatches", UINT64_MAX)};
  return checked(reader, message, kWhat);
}

std::vector<std::byte> server_greeting() { return to_bytes(kGreeting); }

bool is_server_greeting(std::span<const std::byte> bytes) {
  return bytes.size() == kGreeting.size() &&
         std::memcmp(bytes.data(), kGreeting.data(), kGreeting.size()) == 0;
}

}  // namespace mapwire::tools
