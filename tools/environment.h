// The MAPWIRE_* variables, as far as ping and bw have options of the same meaning.
#pragma once

#include <expected>

#include "mapwire/runtime/options.h"

namespace mapwire::tools {

// The library's options. Errors: kBadOption.
using Environment = std::expected<Options, Error>;

// Reads the variables and removes those that the command line can override: the library would
// otherwise read them again and believe them more. Threads: before any other is started.
Environment take_environment();

}  // namespace mapwire::tools
