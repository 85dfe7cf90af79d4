#include "tools/test_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/describe.h"
#include "tools/host_port.h"
#include "tools/interrupt.h"
#include "tools/local_server.h"
#include "tools/output.h"
#include "tools/processors.h"
#include "tools/rdma_address.h"
#include "tools/server.h"

namespace mapwire::tools {
namespace {

ExitCode fail(const TestOptions& options, const Error& error) {
  print_error(name(options.kind), error);
  return error.code == Code::kInterrupted ? ExitCode::kInterrupted : ExitCode::kFailed;
}

// All sizes, in order, until one fails. `results` gets what was measured.
std::optional<Error> measure_sizes(TestClient& client, const TestOptions& options,
                                   SizeMeasurement& measurement, const LocalEnds* ends,
                                   nlohmann::ordered_json& results) {
  for (const std::uint64_t bytes : test_sizes(options)) {
    SizeOutcome outcome = measurement.measure(client, bytes, ends);
    results.push_back(std::move(outcome.result));
    if (outcome.failure) return outcome.failure;
  }
  return std::nullopt;
}

ExitCode run_client(const TestOptions& options, SizeMeasurement& measurement,
                    const LocalEnds* ends) {
  auto context = Context::create(context_options(options));
  if (!context) return fail(options, context.error());
  auto client = TestClient::connect(*context, options);
  if (!client) return fail(options, client.error());
  catch_interrupts();  // not before: a waiting connect ends at the first Ctrl-C
  const TestSetup setup{.info = client->info(),
                        .client = describe_this_end(options),
                        .server = client->answer().server};
  if (!options.json &&
      !print_result(preamble(options, setup, measurement.value()) + "\n" + measurement.header())) {
    return fail(options, stdout_closed());
  }
  auto document = json_document(options, setup, measurement.value_name());
  document["results"] = nlohmann::ordered_json::array();
  const auto failure = measure_sizes(*client, options, measurement, ends, document["results"]);
  if (!failure || failure->code == Code::kPayloadMismatch) client->bye();
  document["complete"] = !failure;
  if (auto written = write_document(options, document); !written) {
    return fail(options, written.error());
  }
  return failure ? fail(options, *failure) : ExitCode::kOk;
}

// Loopback, unless the NIC has to be a device, which does not serve that.
std::expected<std::string, Error> local_host(const TestOptions& options) {
  if (nic_choice(options) == NicChoice::kVerbs) return first_rdma_address();
  return "127.0.0.1";
}

Error one_processor() {
  return Error::make(Code::kLimitReached, ErrorScope::kProcess,
                     "--baseline needs two CPUs, and this process may run on one; give it more "
                     "(taskset, cpuset) or measure without it");
}

ExitCode run_local(const TestOptions& options, SizeMeasurement& measurement) {
  auto server_options = options;
  const auto host = local_host(options);
  if (!host) return fail(options, host.error());
  server_options.bind_address = *host;
  const auto processors = two_processors();
  auto server = LocalServer::start(server_options,
                                   processors ? std::optional{processors->first} : std::nullopt);
  if (!server) return fail(options, server.error());
  const bool apart = processors && pin_to_processor(processors->second);
  if (options.baseline && !apart) return fail(options, one_processor());
  if (!apart) {
    print_note(name(options.kind), "both ends share one CPU; expect the scheduler in the numbers");
  }
  TestOptions client_options = options;
  client_options.address = with_port(*host, server->port());
  if (!options.baseline) return run_client(client_options, measurement, nullptr);
  const LocalEnds ends{
      .server = *server, .far_processor = processors->first, .deadline_ns = options.deadline_ns};
  return run_client(client_options, measurement, &ends);
}

void note_listening(const TestOptions& options, const Listener& listener) {
  print_note(
      name(options.kind),
      fmt::format("listening on {}{}", fmt::join(listener.addresses(), " and "),
                  options.bind_address.empty() ? "; give --bind [::] to serve other hosts" : ""));
}

}  // namespace

void require_valid(const Environment& environment, const TestOptions& options) {
  if (!environment) throw CLI::ValidationError{environment.error().message};
  if (const std::string wrong = conflict(options); !wrong.empty()) {
    throw CLI::ValidationError{wrong};
  }
}

ExitCode run_test(const TestOptions& options, SizeMeasurement& measurement) {
  if (options.local) return run_local(options, measurement);
  if (!options.address.empty()) return run_client(options, measurement, nullptr);
  return serve(options, [&](const Listener& listener) { note_listening(options, listener); });
}

}  // namespace mapwire::tools
