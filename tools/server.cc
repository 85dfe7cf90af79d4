#include "tools/server.h"

#include <fmt/format.h>

#include "tools/host_port.h"
#include "tools/interrupt.h"
#include "tools/output.h"
#include "tools/served_client.h"
#include "tools/test_messages.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kAcceptSliceNs = 200'000'000;  // between looks at Ctrl-C

ListenOptions listen_options(const TestOptions& options) {
  ListenOptions listen{.address = with_port(options.bind_address, options.port),
                       .endpoint = endpoint_options(options)};
  listen.endpoint.private_data = server_greeting();
  return listen;
}

void note_client(const TestOptions& options, const std::string& remote,
                 const std::expected<std::string, Error>& outcome) {
  if (outcome && options.local) return;  // the client of --local tells
  if (outcome) {
    print_note(name(options.kind), fmt::format("client {}: {}", remote, *outcome));
  } else {
    print_note(name(options.kind),
               fmt::format("client {}: failed: {} (code {})", remote, outcome.error().message,
                           name(outcome.error().code)));
  }
}

ExitCode end_failed(const TestOptions& options, const Error& error) {
  print_error(name(options.kind), error);
  return ExitCode::kFailed;
}

ExitCode serve_clients(Context& context, Listener& listener, const TestOptions& options) {
  while (!interrupted()) {
    auto endpoint = listener.accept(kAcceptSliceNs);
    if (!endpoint) {
      if (endpoint.error().code == Code::kTimeout) continue;
      return end_failed(options, endpoint.error());
    }
    const std::string remote = endpoint->info().remote;
    const auto outcome = serve_client(context, std::move(*endpoint), options);
    if (!outcome && interrupted()) break;
    note_client(options, remote, outcome);
    if (options.once) return outcome ? ExitCode::kOk : ExitCode::kFailed;
  }
  return ExitCode::kOk;
}

}  // namespace

ExitCode serve(const TestOptions& options,
               const std::function<void(const Listener&)>& on_listening) {
  catch_interrupts();
  auto context = Context::create(context_options(options));
  if (!context) return end_failed(options, context.error());
  auto listener = context->listen(listen_options(options));
  if (!listener) return end_failed(options, listener.error());
  on_listening(*listener);
  return serve_clients(*context, *listener, options);
}

}  // namespace mapwire::tools
