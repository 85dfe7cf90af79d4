#include "tools/served_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "mapwire/runtime/clock.h"
#include "tools/describe.h"
#include "tools/round_trip.h"
#include "tools/session.h"
#include "tools/stream.h"
#include "tools/test_memory.h"
#include "tools/test_windows.h"

namespace mapwire::tools {
namespace {

class ServedClient {
 public:
  ServedClient(const TestRequest& request, const TestResources& resources,
               const TestOptions& options)
      : request_{request}, session_{resources.session} {
    if (request.kind == TestKind::kLatency) {
      responder_ = make_latency_responder(resources);
    } else {
      responder_ = std::make_unique<StreamResponder>(
          resources, std::min(request.depth, options.send_depth), request.bidirectional);
    }
  }

  // Until the client's bye. Within a phase a client may be quiet for long: of a stream of its READs
  // and WRITEs we see nothing.
  std::expected<void, Error> run() {
    while (!done_) {
      const Code polled = session_.poll();
      // What came before a failure counts: the news that the client has gone may overtake its bye.
      while (session_.has_message() && !done_) {
        if (auto handled = handle(session_.take_message()); !handled) return handled;
      }
      if (polled != Code::kOk && !done_) return fail(polled);
      if (in_phase_) {
        if (const Code code = responder_->on_idle(); code != Code::kOk) return fail(code);
      } else if (now_ns() - phase_ended_ns_ >= kQuietNs) {
        return std::unexpected(session_.silence(kQuietNs));
      }
    }
    return {};
  }

  std::string summary() const {
    const auto sizes = request_.bytes_min == request_.bytes_max
                           ? fmt::format("{} bytes", request_.bytes_max)
                           : fmt::format("{} to {} bytes", request_.bytes_min, request_.bytes_max);
    return fmt::format("{} {}, {}, {} messages seen{}", name(request_.kind),
                       entry(request_.op).name, sizes, messages_,
                       request_.verify ? fmt::format(", {} of them wrong", mismatches_) : "");
  }

 private:
  std::expected<void, Error> handle(const Received& message) {
    if (message.control) {
      const auto phase = decode_phase(message.bytes);
      if (const Code code = session_.release(message); code != Code::kOk) return fail(code);
      if (!phase) return std::unexpected(phase.error());
      return step(*phase);
    }
    if (!in_phase_) return protocol_error();
    if (const Code code = responder_->on_message(message); code != Code::kOk) return fail(code);
    if (const Code code = session_.release(message); code != Code::kOk) return fail(code);
    return {};
  }

  std::expected<void, Error> step(const PhaseMessage& phase) {
    switch (phase.kind) {
      case PhaseKind::kStart: return start(phase);
      case PhaseKind::kEnd: return end();
      case PhaseKind::kBye: done_ = true; return {};
      case PhaseKind::kReady:
      case PhaseKind::kDone: break;  // are ours to send
    }
    return protocol_error();
  }

  std::expected<void, Error> start(const PhaseMessage& phase) {
    // The memory was made for the sizes of the request.
    if (in_phase_ || phase.bytes < 1 || phase.bytes > request_.bytes_max) return protocol_error();
    responder_->begin(phase);
    in_phase_ = true;
    return tell({.kind = PhaseKind::kReady});
  }

  std::expected<void, Error> end() {
    if (!in_phase_) return protocol_error();
    in_phase_ = false;
    if (const Code code = responder_->end(); code != Code::kOk) return fail(code);
    messages_ += responder_->messages();
    mismatches_ += responder_->mismatches();
    auto told = tell({.kind = PhaseKind::kDone,
                      .messages = responder_->messages(),
                      .mismatches = responder_->mismatches()});
    phase_ended_ns_ = now_ns();
    return told;
  }

  std::expected<void, Error> tell(const PhaseMessage& phase) {
    const Code code = session_.send_control(encode(phase));
    if (code != Code::kOk) return fail(code);
    return {};
  }

  std::unexpected<Error> fail(Code code) const { return std::unexpected(session_.failure(code)); }
  static std::unexpected<Error> protocol_error() {
    return std::unexpected(Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                                       "the client sent what was not due; use the same mapwire on "
                                       "both ends"));
  }

  TestRequest request_;
  Session& session_;
  std::unique_ptr<Responder> responder_;
  bool in_phase_ = false;
  std::uint64_t phase_ended_ns_ = now_ns();  // or the client came
  bool done_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t mismatches_ = 0;
};

// Tells the client why, and this end's log as well.
std::unexpected<Error> refuse(Context& context, Endpoint endpoint, const TestOptions& options,
                              const Error& why) {
  auto session = Session::create(context, std::move(endpoint), {});
  if (session) {
    const TestAnswer answer{.code = why.code,
                            .message = why.message,
                            .server = describe_this_end(options),
                            .memory = {}};
    // If the client has gone already, the log still has the reason.
    static_cast<void>(session->send_control(encode(answer)));
  }
  return std::unexpected(why);
}

}  // namespace

std::expected<std::string, Error> serve_client(Context& context, Endpoint endpoint,
                                               const TestOptions& options) {
  const auto request = decode_request(endpoint.private_data());
  if (!request) return refuse(context, std::move(endpoint), options, request.error());
  auto memory = TestMemory::create(context, request->op, request->bytes_max, memory_kind(options));
  if (!memory) return refuse(context, std::move(endpoint), options, memory.error());
  auto session =
      Session::create(context, std::move(endpoint),
                      session_options(*request, options.receive_depth, memory_kind(options)));
  if (!session) return std::unexpected(session.error());
  const TestAnswer answer{
      .message = "", .server = describe_this_end(options), .memory = memory->target.remote()};
  const Code code = session->send_control(encode(answer));
  if (code != Code::kOk) return std::unexpected(session->failure(code));
  std::optional<TestWindows> windows;
  if (request->op == TestOp::kPut) {
    auto created = TestWindows::create(context, *session, request->bytes_max);
    if (!created) return std::unexpected(created.error());
    windows = std::move(*created);
  }
  ServedClient client{*request,
                      {.session = *session,
                       .source = memory->source,
                       .target = windows ? windows->memory() : memory->target.memory(),
                       .peer = request->memory,
                       .window = windows ? &windows->peers() : nullptr,
                       .op = request->op,
                       .verify = request->verify},
                      options};
  if (auto run = client.run(); !run) return std::unexpected(run.error());
  return client.summary();
}

}  // namespace mapwire::tools
