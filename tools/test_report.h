// What ping and bw print about a run besides its numbers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mapwire/endpoints/endpoint.h"
#include "tools/test_messages.h"
#include "tools/test_options.h"

namespace mapwire::tools {

// How a run was made.
struct TestSetup {
  EndpointInfo info;
  EndDescription client;
  EndDescription server;
};

// The lines above the table, each starting with "# ", without a newline at the end. `value` says
// what the numbers are.
std::string preamble(const TestOptions& options, const TestSetup& setup, std::string_view value);

// The JSON document (docs/schema/) without its results. `value` is as the schema has it.
nlohmann::ordered_json json_document(const TestOptions& options, const TestSetup& setup,
                                     std::string_view value);

// Prints the document as the options ask, to stdout and to the file. Errors: kBadFile.
std::expected<void, Error> write_document(const TestOptions& options,
                                          const nlohmann::ordered_json& document);

}  // namespace mapwire::tools
