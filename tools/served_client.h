// One client of the server, from its request to its bye.
#pragma once

#include <expected>
#include <string>

#include "mapwire/endpoints/context.h"
#include "tools/test_options.h"

namespace mapwire::tools {

// Reads the request in the endpoint's private data, answers it and takes part in its test until the
// client is done. Returns what was done, for people. Errors: kProtocolError, kVersionMismatch
// (refused); those of a dying connection; kInterrupted.
std::expected<std::string, Error> serve_client(Context& context, Endpoint endpoint,
                                               const TestOptions& options);

}  // namespace mapwire::tools
