// What ping and bw have in common: who serves, who is the client, and when it is over.
#pragma once

#include <functional>
#include <optional>

#include "tools/baseline_slices.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/test_client.h"
#include "tools/test_options.h"
#include "tools/test_report.h"

namespace mapwire::tools {

// The client's measurement of one size. Returns its result for the JSON document, prints its rows
// unless options.json.
struct SizeOutcome {
  nlohmann::ordered_json result;
  std::optional<Error> failure;  // also: stdout was closed, other bytes arrived
};

class SizeMeasurement {
 public:
  virtual ~SizeMeasurement() = default;
  virtual std::string value() const = 0;       // what is measured, for people
  virtual std::string value_name() const = 0;  // and for the JSON document
  virtual std::string header() const = 0;      // of the table
  // `ends` are those of --baseline; null without it.
  virtual SizeOutcome measure(TestClient& client, std::uint64_t bytes, const LocalEnds* ends) = 0;
};

// Throws CLI::ValidationError if the command must not run: a MAPWIRE_* variable is wrong, or
// options conflict.
void require_valid(const Environment& environment, const TestOptions& options);

// Runs the command. Precondition: conflict(options) is empty.
ExitCode run_test(const TestOptions& options, SizeMeasurement& measurement);

}  // namespace mapwire::tools
