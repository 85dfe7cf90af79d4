// The server of ping and bw: takes part in the tests of one client after another.
#pragma once

#include <functional>

#include "mapwire/endpoints/listener.h"
#include "tools/exit_code.h"
#include "tools/test_options.h"

namespace mapwire::tools {

// Serves until Ctrl-C, or one client with --once. `on_listening` is called when clients can come.
// kOk: ended by Ctrl-C, or the one client was served; otherwise stderr tells why.
ExitCode serve(const TestOptions& options,
               const std::function<void(const Listener&)>& on_listening);

}  // namespace mapwire::tools
