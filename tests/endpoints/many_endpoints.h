// The other end of the test with many endpoints between two processes.
#pragma once

#include <string>

#include "mapwire/endpoints/context.h"

namespace mapwire::testing {

// Connects as many as the test accepts, checks what they cost, and echoes one message.
void connect_many(Context& context, const std::string& address);

}  // namespace mapwire::testing
