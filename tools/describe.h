// How this end runs, in words: for the preamble and the other end.
#pragma once

#include "tools/test_messages.h"
#include "tools/test_options.h"

namespace mapwire::tools {

EndDescription describe_this_end(const TestOptions& options);

}  // namespace mapwire::tools
