// What the mapwire command returns to its caller. docs and --help name the same numbers.
#pragma once

namespace mapwire::tools {

enum class ExitCode : int {
  kOk = 0,             // done, and verified if that was asked for
  kFailed = 1,         // a run failed, or verification found other bytes
  kBadArguments = 2,   // nothing was started
  kInterrupted = 130,  // Ctrl-C at the client; what was measured has been printed
};

}  // namespace mapwire::tools
