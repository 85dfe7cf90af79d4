#include "tools/test_client.h"

#include <fmt/format.h>

#include <utility>

#include "tools/host_port.h"

namespace mapwire::tools {
namespace {

TestRequest make_request(const TestOptions& options, const TestMemory& memory) {
  const auto sizes = test_sizes(options);
  return {.kind = options.kind,
          .op = test_op(options),
          .bytes_min = sizes.front(),
          .bytes_max = sizes.back(),
          .depth = options.send_depth,
          .bidirectional = options.bidirectional,
          .verify = options.verify,
          .sleep = options.sleep,
          .memory = memory.target.remote()};
}

std::expected<Endpoint, Error> connect_endpoint(Context& context, const TestOptions& options,
                                                const TestRequest& request) {
  ConnectOptions connect{.timeout_ns = options.timeout_ns, .endpoint = endpoint_options(options)};
  connect.endpoint.private_data = encode(request);
  auto endpoint = context.connect(with_port(options.address, options.port), connect);
  if (endpoint && !is_server_greeting(endpoint->private_data())) {
    return std::unexpected(Error::make(
        Code::kProtocolError, ErrorScope::kEndpoint,
        fmt::format("{} speaks mapwire but is no server of `mapwire ping` or `mapwire bw`; check "
                    "the address and port",
                    with_port(options.address, options.port))));
  }
  return endpoint;
}

std::expected<TestAnswer, Error> await_answer(Session& session, const TestOptions& options) {
  const auto bytes = session.await_control(options.timeout_ns);
  if (!bytes) return std::unexpected(bytes.error());
  auto answer = decode_answer(*bytes);
  if (answer && answer->code != Code::kOk) {
    return std::unexpected(Error::make(answer->code, ErrorScope::kEndpoint,
                                       fmt::format("the server refused: {}", answer->message)));
  }
  return answer;
}

}  // namespace

std::expected<TestClient, Error> TestClient::connect(Context& context, const TestOptions& options) {
  auto memory = TestMemory::create(context, test_op(options), test_sizes(options).back(),
                                   memory_kind(options));
  if (!memory) return std::unexpected(memory.error());
  const TestRequest request = make_request(options, *memory);
  auto endpoint = connect_endpoint(context, options, request);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto session =
      Session::create(context, std::move(*endpoint),
                      session_options(request, options.receive_depth, memory_kind(options)));
  if (!session) return std::unexpected(session.error());
  auto answer = await_answer(*session, options);
  if (!answer) return std::unexpected(answer.error());
  TestClient client{std::move(*memory), std::move(*session), std::move(*answer), request.op,
                    request.verify};
  if (request.op != TestOp::kPut) return client;
  auto windows = TestWindows::create(context, client.session_, request.bytes_max);
  if (!windows) return std::unexpected(windows.error());
  client.windows_ = std::move(*windows);
  return client;
}

TestClient::TestClient(TestMemory memory, Session session, TestAnswer answer, TestOp op,
                       bool verify)
    : memory_{std::move(memory)},
      session_{std::move(session)},
      answer_{std::move(answer)},
      op_{op},
      verify_{verify} {}

TestResources TestClient::resources() {
  return {.session = session_,
          .source = memory_.source,
          .target = windows_ ? windows_->memory() : memory_.target.memory(),
          .peer = answer_.memory,
          .window = windows_ ? &windows_->peers() : nullptr,
          .op = op_,
          .verify = verify_};
}

std::expected<void, Error> TestClient::start(std::uint64_t bytes, std::uint64_t iterations) {
  const PhaseMessage message{.kind = PhaseKind::kStart, .bytes = bytes, .iterations = iterations};
  const Code code = session_.send_control(encode(message));
  if (code != Code::kOk) return std::unexpected(session_.failure(code));
  return session_.await_ready();
}

std::expected<PhaseMessage, Error> TestClient::end() {
  const Code code = session_.send_control(encode(PhaseMessage{.kind = PhaseKind::kEnd}));
  if (code != Code::kOk) return std::unexpected(session_.failure(code));
  return session_.await_phase(PhaseKind::kDone);
}

void TestClient::bye() {
  static_cast<void>(session_.send_control(encode(PhaseMessage{.kind = PhaseKind::kBye})));
  session_.close();
}

}  // namespace mapwire::tools
